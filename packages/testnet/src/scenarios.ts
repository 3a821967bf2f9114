import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type DidDocument, didDocument } from './did-document.ts'
import type { Frame } from './frame.ts'
import { hasSharedData, sharedData } from './shared-data.ts'

/** A script of what an upstream sends and what a verifying consumer must make of it. */
export interface RelayScenario {
  /** The name of the file without `.json`. */
  readonly name: string
  readonly description: string
  /**
   * Whether it needs rules of before Sync 1.1: its commits have no `prevData`, its deletes no `prev`. A strict consumer
   * cannot prove them.
   */
  readonly lenient: boolean
  readonly accounts: readonly ScenarioAccount[]
  readonly messages: readonly ScenarioMessage[]
}

export interface ScenarioAccount {
  readonly did: string
  /** The status before the first message, `active` in all files so far. */
  readonly status: string
  readonly document: DidDocument
}

export interface ScenarioMessage {
  /** For `encodeFrame`, or a fake relay's `push`. */
  readonly frame: Frame
  /** The consumer must not pass this message on: an old revision, or a commit of an inactive account. */
  readonly drop: boolean
  /** The message breaks a rule, whether or not it is passed on; `false` in all files so far. */
  readonly invalid: boolean
  /** After it, the consumer must hold a different status for the account. */
  readonly update: boolean
}

/**
 * Loads the scripts in `relay-scenarios`; `undefined` where the shared data is absent.
 *
 * A file is a JSON object: `description?`, `lenient`, `accounts`, `messages`. An account is `{ status, identity }`, its
 * identity `{ did, handle, alsoKnownAs, services: { atproto_pds: { type, url } }, keys: { atproto: { type,
 * publicKeyMultibase } } }`; we hand it out as the DID document that says the same. A message is `{ frame: { header,
 * body }, drop, invalid, update }`. In a body, bytes stand as `{ "$bytes": base64 without padding }` and links as
 * `{ "$link": CID in base32 }`; `blobs` is null, as the Go relay of that time wrote it. Sequence numbers strictly
 * increase in each file; revisions do not always follow one another, so `since` and `prevData` may not match. The runner
 * that these files come with judges by `drop` alone, and sends one message at a time.
 *
 * @param pdsUrl Stands in the documents instead of the production PDS, so that a consumer which resyncs asks nobody
 *   outside. Default: a port of loopback where nothing listens.
 */
export async function loadRelayScenarios(
  pdsUrl = 'http://127.0.0.1:9',
): Promise<readonly RelayScenario[] | undefined> {
  if (!hasSharedData('relay-scenarios')) return undefined
  const files = (await readdir(sharedData('relay-scenarios')))
    .filter(file => file.endsWith('.json'))
    .toSorted()
  return Promise.all(
    files.map(async file => {
      const text = await readFile(sharedData('relay-scenarios', file), 'utf8')
      return readScenario(basename(file, '.json'), JSON.parse(text) as ScenarioFile, pdsUrl)
    }),
  )
}

interface ScenarioFile {
  readonly description?: string
  readonly lenient: boolean
  readonly accounts: readonly {
    readonly status: string
    readonly identity: {
      readonly did: string
      readonly alsoKnownAs: readonly string[]
      readonly services: Readonly<Record<string, { readonly type: string; readonly url: string }>>
      readonly keys: Readonly<Record<string, { readonly publicKeyMultibase: string }>>
    }
  }[]
  readonly messages: readonly ScenarioMessage[]
}

function readScenario(name: string, file: ScenarioFile, pdsUrl: string): RelayScenario {
  return {
    name,
    description: file.description ?? name.replaceAll('_', ' '),
    lenient: file.lenient,
    accounts: file.accounts.map(({ status, identity: { did, alsoKnownAs, keys, services } }) => ({
      did,
      status,
      document: didDocument({
        did,
        alsoKnownAs,
        keys: mapValues(keys, key => key.publicKeyMultibase),
        services: mapValues(services, ({ type }) => ({ type, url: pdsUrl })),
      }),
    })),
    messages: file.messages.map(({ frame, drop, invalid, update }) => ({ frame, drop, invalid, update })),
  }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
