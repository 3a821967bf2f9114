import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/** A value that shows itself only to who asks for it: printed, logged, inspected or put in JSON it is `[secret]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. Hand it to what needs it, and keep it nowhere. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
