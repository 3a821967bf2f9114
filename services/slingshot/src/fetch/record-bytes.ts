import { ByteSink, cidOf, encodeCbor, RecordTranscoder, valueFromJson } from '@orrery/repo'

const transcoder = new RecordTranscoder()
const sink = new ByteSink()

/** A record in DAG-CBOR as the JSON that the firehose would have brought. @throws RepoError */
export function jsonOfCbor(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  sink.reset()
  transcoder.write(bytes, 0, bytes.length, sink)
  return sink.copyOut()
}

/**
 * The CID that a record has, and its JSON as the firehose would have brought it, so that a record is the same whichever
 * way it came.
 *
 * @param value parsed JSON
 * @throws RepoError where it is no record of the data model
 */
export function recordOfJson(value: unknown): { cid: string; json: Uint8Array } {
  const bytes = encodeCbor(valueFromJson(value))
  return { cid: cidOf(bytes).toString(), json: jsonOfCbor(bytes) }
}
