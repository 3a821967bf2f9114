import { readFile } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import type { DidDocument } from './did-document.ts'
import { hasSharedData, sharedData } from './shared-data.ts'

/** A minute of a production relay, and what the production Jetstream made of it. */
export interface Corpus {
  /** Consecutive frames as received. */
  readonly frames: readonly Uint8Array[]
  /** The lines that the Jetstream sent for them, verbatim, in frame and operation order, without line ends. */
  readonly expectedV1: readonly string[]
  /** The DID documents of the accounts at that time. */
  readonly didDocuments: ReadonlyMap<string, DidDocument>
  /** The zstd dictionary of the Jetstream's first version. */
  readonly dictionaryV1: Uint8Array
}

/** Loads the recorded firehose; `undefined` where the shared data is absent. */
export async function loadCorpus(): Promise<Corpus | undefined> {
  if (!hasSharedData('firehose')) return undefined
  const [frames, expected, documents, dictionaryV1] = await Promise.all(
    ['frames.bin.zst', 'expected_v1.jsonl', 'did_docs.json.zst', 'jetstream-v1.zdict'].map(name =>
      readFile(sharedData('firehose', name)),
    ) as [Promise<Buffer>, Promise<Buffer>, Promise<Buffer>, Promise<Buffer>],
  )
  const didDocuments = JSON.parse(zstdDecompressSync(documents).toString()) as Record<string, DidDocument>
  return {
    frames: splitFrames(zstdDecompressSync(frames)),
    expectedV1: expected.toString().split('\n').filter(Boolean),
    didDocuments: new Map(Object.entries(didDocuments)),
    dictionaryV1,
  }
}

/** The file repeats: length of a frame as u32 in little-endian order, the frame. */
function splitFrames(file: Buffer): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < file.length;) {
    const start = at + 4
    at = start + file.readUInt32LE(at)
    frames.push(file.subarray(start, at))
  }
  return frames
}
