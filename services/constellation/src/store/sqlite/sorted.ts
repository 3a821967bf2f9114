import { release } from './bytes.ts'

/**
 * Puts things that are told by numbers in an order, in place: by a whole number of each, by further ones where that is the
 * same, and by `compare` where all are. Numbers are sorted as such, with the place of each in their low bits: a fifth of the
 * time that comparing takes.
 *
 * @throws RangeError where a number is too large
 */
export function orderBy(
  things: Uint32Array,
  numbersOf: readonly ((thing: number) => number)[],
  compare: (a: number, b: number) => number,
): Uint32Array {
  const [numberOf, ...rest] = numbersOf
  if (!numberOf) {
    if (!isInOrder(things, compare)) things.set(Array.from(things).toSorted(compare))
    return things
  }
  const scale = 2 ** Math.ceil(Math.log2(things.length + 1))
  const keys = new Float64Array(things.length)
  let largest = 0
  for (let i = 0; i < things.length; i++) {
    const sortKey = numberOf(things[i]!) * scale + i
    if (sortKey > largest) largest = sortKey
    keys[i] = sortKey
  }
  if (largest > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large to be sorted by')
  keys.sort()
  const unordered = things.slice()
  for (let i = 0; i < things.length; i++) things[i] = unordered[keys[i]! % scale]!
  release(keys)
  release(unordered)
  for (let from = 0; from < things.length;) {
    const same = numberOf(things[from]!)
    let to = from + 1
    while (to < things.length && numberOf(things[to]!) === same) to++
    if (to > from + 1) orderBy(things.subarray(from, to), rest, compare)
    from = to
  }
  return things
}

function isInOrder(things: Uint32Array, compare: (a: number, b: number) => number): boolean {
  for (let i = 1; i < things.length; i++) if (compare(things[i - 1]!, things[i]!) > 0) return false
  return true
}
