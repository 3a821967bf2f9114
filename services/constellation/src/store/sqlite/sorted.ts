/**
 * The places 0 up to `count` in the order of a whole number of each, and where that is the same of `compare`, and else as
 * they are. Numbers are sorted as such, with the place of each in their low bits: a fifth of the time that comparing takes.
 */
export function orderBy(
  count: number,
  numberOf: (place: number) => number,
  compare: (a: number, b: number) => number,
): Uint32Array {
  const scale = 2 ** Math.ceil(Math.log2(count + 1))
  const keys = new Float64Array(count)
  let largest = 0
  for (let i = 0; i < count; i++) {
    const sortKey = numberOf(i) * scale + i
    if (sortKey > largest) largest = sortKey
    keys[i] = sortKey
  }
  if (largest > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large to be sorted by')
  keys.sort()
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = keys[i]! % scale
  for (let from = 0; from < count;) {
    const number = Math.floor(keys[from]! / scale)
    let to = from + 1
    let isInOrder = true
    while (to < count && keys[to]! < (number + 1) * scale) {
      isInOrder &&= compare(order[to - 1]!, order[to]!) <= 0
      to++
    }
    if (!isInOrder) order.set(Array.from(order.subarray(from, to)).toSorted(compare), from)
    from = to
  }
  return order
}
