import { createMemoryProgress, type FirehoseEvent, openFirehose, parseSources } from '@orrery/firehose'

/** The events of a Jetstream, as any client would follow it, until the signal. */
export async function* followJetstream(url: string, signal: AbortSignal): AsyncGenerator<FirehoseEvent> {
  await using firehose = await openFirehose({
    sources: parseSources([url]),
    progress: createMemoryProgress(),
    signal,
  })
  for await (const { events } of firehose) yield* events
}
