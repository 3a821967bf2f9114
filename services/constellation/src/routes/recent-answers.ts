import type { LinkReader } from '../store.ts'

/** Answers that are kept at a time, and how long each may be with its URL, characters: megabytes in all. */
const maxAnswers = 2_000
const maxCharacters = 1_000

/** How long one is kept: as long as caches elsewhere may. What does not come from the index may be as old. */
const maxAgeMs = 5_000

/**
 * Short answers of the state of the index that is read now, by URL: what many ask about is asked again and again, and
 * reading its parameters takes longer than to count. All are forgotten with the first commit.
 */
export class RecentAnswers {
  readonly #reader: Pick<LinkReader, 'version'>
  readonly #answers = new Map<string, { text: string; until: number }>()
  #version: number | undefined

  constructor(reader: Pick<LinkReader, 'version'>) {
    this.#reader = reader
  }

  get(url: string): string | undefined {
    const { version } = this.#reader
    if (version === undefined || version !== this.#version) return undefined
    const answer = this.#answers.get(url)
    return answer && performance.now() < answer.until ? answer.text : undefined
  }

  /** Keeps an answer that was made since the index had a version. */
  set(url: string, text: string, version: number | undefined): void {
    if (version === undefined || url.length + text.length > maxCharacters) return
    if (version !== this.#version || this.#answers.size >= maxAnswers) this.#answers.clear()
    this.#version = version
    this.#answers.set(url, { text, until: performance.now() + maxAgeMs })
  }
}
