import { z } from 'zod'
import { canonicalJson, type Json } from './canonical-json.ts'
import { BackupError } from './errors.ts'
import { isSignedBy, type SigningKey } from './key.ts'
import { isStoreFile } from './store-set.ts'

const format = 'orrery-backup/1'

/** A manifest is no longer than this, bytes. A Jetstream's has an entry for each hour that it keeps. */
export const maxManifestBytes = 16 * 1024 * 1024

/** For a store of 100 GB of which no two pages that follow one another lie so in a chunk. */
const maxMapBytes = 512 * 1024 * 1024

const whole = z.int().min(0)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** It becomes a file below the data folder, so nothing in it may lead out of there. */
const path = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.sqlite$/)
  .refine(isStoreFile)

const file = z.strictObject({
  path,
  pageSize: whole.refine(size => size >= 512 && size <= 65_536 && (size & (size - 1)) === 0),
  pages: whole.max(0xffff_fffe),
  bytes: whole,
  /** Of the whole file. */
  sha256,
  /** SQLite's `user_version`. */
  schemaVersion: whole,
  /** Of the map of its pages, which is an object under `maps/`. */
  map: sha256,
  mapBytes: whole.max(maxMapBytes),
})

const unsigned = z.strictObject({
  format: z.literal(format),
  service: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  /** The moment that the snapshot shows, ISO 8601, UTC. */
  time: z.iso.datetime({ precision: 3 }),
  /** Of the code that made it. */
  version: z.string().max(100),
  files: z
    .array(file)
    .min(1)
    .max(100_000)
    .refine(files => new Set(files.map(({ path: each }) => each)).size === files.length),
  /** How far the store had read, source by source. */
  upstream: z.array(
    z.strictObject({ source: z.string().max(4_096), cursor: whole, time: z.string().max(100) }),
  ),
  /** How many there are of what the service counts. */
  counts: z.record(z.string().max(100), whole),
  /** What the snapshot added to the destination. */
  added: z.strictObject({ objects: whole, bytes: whole }),
  /** Ed25519, 32 bytes, base64url. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
})

const signed = unsigned.extend({ signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/) })

/** What a snapshot is: everything needed to tell whether what came of it is whole. */
export type Manifest = z.infer<typeof signed>
export type ManifestFile = z.infer<typeof file>

/** The manifest as it is kept: canonical JSON, signed over all but the signature. */
export function signManifest(
  facts: Omit<Manifest, 'format' | 'publicKey' | 'signature'>,
  key: SigningKey,
): { manifest: Manifest; bytes: Buffer } {
  const content = { format, ...facts, publicKey: key.publicKey } as const
  const signature = key.sign(Buffer.from(canonicalJson(content as Json)))
  const manifest: Manifest = { ...content, signature }
  return { manifest, bytes: Buffer.from(canonicalJson(manifest as Json)) }
}

/**
 * Reads a manifest that anybody may have written.
 *
 * @param what for errors: which one, and where
 * @throws BackupError `damaged` where it is none; `untrusted` where its signature does not hold
 */
export function readManifest(bytes: Buffer, what: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new BackupError('damaged', `${what} is no JSON`, { cause })
  }
  const { data, error } = signed.safeParse(json)
  if (!data) throw new BackupError('damaged', `${what} is no manifest: ${z.prettifyError(error)}`)
  const { signature, ...content } = data
  if (!isSignedBy(data.publicKey, Buffer.from(canonicalJson(content as Json)), signature)) {
    throw new BackupError('untrusted', `${what} was changed after it was signed; do not use it`)
  }
  for (const { pageSize, pages, bytes: size } of data.files) {
    if (size !== pageSize * pages)
      throw new BackupError('damaged', `${what} is no manifest: its sizes disagree`)
  }
  return data
}

/** Bytes of the store itself. */
export function sizeOf({ files }: Manifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
