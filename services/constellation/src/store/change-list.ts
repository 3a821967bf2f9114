import type { Change, ChangeBatch, Changes } from '../store.ts'

/** A batch that is a list, of stores that keep objects. */
export class ChangeList implements ChangeBatch {
  #changes: Change[] = []

  add(change: Change): void {
    this.#changes.push(structuredClone(change))
  }

  take(): readonly Change[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }
}

/** The changes themselves, as nobody changes them any more. */
export function changesIn(changes: Changes): readonly Change[] {
  return changes instanceof ChangeList ? changes.take() : structuredClone(changes as readonly Change[])
}
