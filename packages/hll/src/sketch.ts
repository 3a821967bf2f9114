import { decodeElements, encode, holdElements, mergeRegisters, raiseTo } from './bytes.ts'
import { estimate } from './estimate.ts'
import { rankOf, registerCount, registerOf } from './registers.ts'

/** Up to as many elements are kept as they are, and counted exactly. */
export const exactLimit = 128

/**
 * A set of which only the size can be asked: exact up to 128 elements, with a standard error of 0.81 % beyond. Sets are joined
 * by `merge`, in any order and as often as one likes; what is in both counts once.
 */
export class Sketch {
  /** In rising order, while there are few. */
  #elements: number[] | undefined = []
  #registers: Uint8Array | undefined
  #count: number | undefined = 0

  /**
   * A sketch from what `toBytes` gave.
   *
   * @throws SketchError where the bytes are none
   */
  static fromBytes(bytes: Uint8Array): Sketch {
    const sketch = new Sketch()
    sketch.mergeBytes(bytes)
    return sketch
  }

  /** Whether the elements themselves are kept, so that the count is exact. */
  get isExact(): boolean {
    return this.#elements !== undefined
  }

  /** Adds an element, as a `Hasher` makes them. False where that changed nothing. */
  add(element: number): boolean {
    const isNew = this.#elements ? this.#insert(this.#elements, element) : this.#raise(element)
    if (isNew) this.#count = undefined
    return isNew
  }

  /** Joins another sketch in, which stays as it is. */
  merge(other: Sketch): void {
    if (other.#elements) for (const element of other.#elements) this.add(element)
    else raiseTo(other.#registers!, this.#spread())
  }

  /**
   * The same from bytes, without making a sketch of them.
   *
   * @throws SketchError where the bytes are none; the sketch is of no use then
   */
  mergeBytes(bytes: Uint8Array): void {
    if (holdElements(bytes)) for (const element of decodeElements(bytes, exactLimit)) this.add(element)
    else mergeRegisters(bytes, this.#spread())
  }

  /** How many different elements there are, a whole number. */
  count(): number {
    this.#count ??= this.#elements ? this.#elements.length : Math.round(estimate(this.#registers!))
    return this.#count
  }

  /** As bytes: 2 and 7 for each element while it is exact, then two for each register that is set, at most some 8,300. */
  toBytes(): Uint8Array {
    return encode(this.#elements ?? this.#registers!)
  }

  #insert(elements: number[], element: number): boolean {
    let low = 0
    let high = elements.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (elements[middle]! < element) low = middle + 1
      else high = middle
    }
    if (elements[low] === element) return false
    if (elements.length === exactLimit) {
      this.#spread()
      this.#raise(element)
    } else elements.splice(low, 0, element)
    return true
  }

  #raise(element: number): boolean {
    const registers = this.#registers!
    const index = registerOf(element)
    const rank = rankOf(element)
    if (rank <= registers[index]!) return false
    registers[index] = rank
    return true
  }

  /** The registers, to be raised; elements are made registers of, for good. */
  #spread(): Uint8Array {
    this.#count = undefined
    if (!this.#registers) {
      const elements = this.#elements!
      this.#elements = undefined
      this.#registers = new Uint8Array(registerCount)
      for (const element of elements) this.#raise(element)
    }
    return this.#registers
  }
}
