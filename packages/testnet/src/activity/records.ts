import type { RecordData, StrongRef } from '../account.ts'
import type { Random } from './random.ts'

const WORDS =
  'the a one some morning evening comet orbit moon tide garden window coffee bread letter train bicycle river cat heron walks sings sleeps waits turns slowly again never almost quite under over between without 🌒 ☕ größer naïve 星'.split(
    ' ',
  )

/** What a post may refer to. */
export interface PostContext {
  /** A post to answer or quote. */
  readonly other: StrongRef | undefined
  /** Someone to mention. */
  readonly mention: { readonly did: string; readonly handle: string } | undefined
}

/**
 * The text and the other fields of a post: mostly words, at times an answer, a quote, a mention, a link or a tag. How many
 * numbers it takes from `random` does not depend on `context`, so that the rest of a run does not either.
 */
export function postRecord(
  random: Random,
  { other, mention }: PostContext,
): { text: string; extra: RecordData } {
  const builder = new TextBuilder(someWords(random, 3 + random.below(25)))
  const dice = random.next()
  const number = random.below(1_000)
  const extra: RecordData = {}

  if (dice < 0.3 && other) {
    extra.reply = { root: other, parent: other }
  } else if (dice < 0.36 && other) {
    extra.embed = { $type: 'app.bsky.embed.record', record: other }
  } else if (dice < 0.46 && mention) {
    builder.add(`@${mention.handle}`, { $type: 'app.bsky.richtext.facet#mention', did: mention.did })
  } else if (dice < 0.56) {
    const uri = `https://example.com/page/${number}`
    builder.add(uri, { $type: 'app.bsky.richtext.facet#link', uri })
  } else if (dice < 0.62) {
    builder.add(`#tag${number % 20}`, { $type: 'app.bsky.richtext.facet#tag', tag: `tag${number % 20}` })
  }
  if (builder.facets.length > 0) extra.facets = builder.facets
  return { text: builder.text, extra }
}

/** A profile record. */
export function profileRecord(random: Random, name: string): RecordData {
  return { displayName: name, description: someWords(random, 1 + random.below(12)) }
}

/** So many words, in no order that makes sense. */
export function someWords(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.pick(WORDS) as string).join(' ')
}

/** Text with facets, whose ranges count bytes of UTF-8. */
class TextBuilder {
  readonly facets: RecordData[] = []
  text: string

  constructor(text: string) {
    this.text = text
  }

  add(part: string, feature: RecordData): void {
    const byteStart = Buffer.byteLength(this.text) + 1
    const byteEnd = byteStart + Buffer.byteLength(part)
    this.text = `${this.text} ${part}`
    this.facets.push({ index: { byteStart, byteEnd }, features: [feature] })
  }
}
