import type { AtpAgent } from '@atproto/api'
import type { Pds } from './pds.ts'

/** The password of every account that is made without one. */
export const SAMPLE_PASSWORD = 'orrery-testnet'

/** A record by address and content, as one record refers to another. */
export interface StrongRef {
  readonly uri: string
  readonly cid: string
}

/** What a write left behind. */
export interface Written extends StrongRef {
  /** The revision of the repository with this write in it; `undefined` when the write changed nothing. */
  readonly rev: string | undefined
  /** The record as it was sent. */
  readonly record: RecordData
}

/** One operation of {@link Account.applyWrites}. */
export type Write =
  | { action: 'create'; collection: string; record: RecordData; rkey?: string }
  | { action: 'update'; collection: string; record: RecordData; rkey: string }
  | { action: 'delete'; collection: string; rkey: string }

export type RecordData = { [key: string]: unknown }

/** An account on a real PDS, signed in. Methods throw an `XRPCError` when the PDS refuses. */
export interface Account {
  readonly did: string
  /** The current handle. */
  readonly handle: string
  readonly password: string
  /** The client underneath, for whatever has no method here. */
  readonly agent: AtpAgent

  /** Creates a record; the PDS chooses the key unless one is given. */
  createRecord(collection: string, record: RecordData, rkey?: string): Promise<Written>
  /** Creates or replaces a record. */
  putRecord(collection: string, rkey: string, record: RecordData): Promise<Written>
  /** Deletes the record at an `at://` URI of this account; `rev` is `undefined` when there was none. */
  deleteRecord(uri: string): Promise<{ readonly rev: string | undefined }>
  /** Up to 200 operations in one commit. */
  applyWrites(writes: readonly Write[]): Promise<{ readonly rev: string | undefined }>

  /** A post; `extra` adds to the record or replaces parts of it (`reply`, `embed`, `facets`, …). */
  post(text: string, extra?: RecordData): Promise<Written>
  like(subject: StrongRef): Promise<Written>
  repost(subject: StrongRef): Promise<Written>
  follow(did: string): Promise<Written>
  /** Replaces the profile record. */
  updateProfile(profile: RecordData): Promise<Written>

  /** Takes a new handle; a name without a dot gets `.test`. */
  changeHandle(handle: string): Promise<void>
  deactivate(): Promise<void>
  reactivate(): Promise<void>
  /** Deletes the account for good, by the administrator's hand. Its DID stays in the PLC. */
  deleteAccount(): Promise<void>
  /** The administrator takes the account down. */
  takedown(): Promise<void>
  /** Ends a {@link Account.takedown}. */
  restore(): Promise<void>
}

/** Where an account lives: a network, or `{ pds }` for one of several. */
export interface Host {
  readonly pds: Pick<Pds, 'url' | 'adminPassword'>
}

/**
 * Makes an account. A handle without a dot gets `.test`; the part before it must have 3 to 18 characters.
 *
 * @throws XRPCError when the PDS refuses: `InvalidHandle`, or `InvalidRequest` for a handle that is taken.
 */
export async function createAccount(
  { pds }: Host,
  handle: string,
  password = SAMPLE_PASSWORD,
): Promise<Account> {
  const { AtpAgent } = await import('@atproto/api')
  const agent = new AtpAgent({ service: pds.url })
  const full = fullHandle(handle)
  // A PDS wants a mail address that could exist, and never writes to it here. It must differ from every other, also from
  // one of an account that since took another handle.
  const email = `${full.replace(/\W+/g, '-')}.${crypto.randomUUID()}@example.com`
  await agent.createAccount({ handle: full, email, password })
  return accountOf(agent, pds, full, password)
}

/**
 * Signs in to an account that exists, after a restart for one.
 *
 * @throws XRPCError `AuthenticationRequired` when the handle or the password is wrong.
 */
export async function signIn({ pds }: Host, handle: string, password = SAMPLE_PASSWORD): Promise<Account> {
  const { AtpAgent } = await import('@atproto/api')
  const agent = new AtpAgent({ service: pds.url })
  const full = fullHandle(handle)
  await agent.login({ identifier: full, password })
  return accountOf(agent, pds, full, password)
}

async function accountOf(
  agent: AtpAgent,
  pds: Host['pds'],
  firstHandle: string,
  password: string,
): Promise<Account> {
  const { AtpAgent } = await import('@atproto/api')
  const basic = Buffer.from(`admin:${pds.adminPassword}`).toString('base64')
  const admin = new AtpAgent({ service: pds.url, headers: [['authorization', `Basic ${basic}`]] })
  const repo = agent.assertDid
  let current = firstHandle

  const createRecord: Account['createRecord'] = async (collection, fields, rkey) => {
    const record: RecordData = { $type: collection, ...fields }
    const input = { repo, collection, record, ...(rkey && { rkey }) }
    const { data } = await agent.com.atproto.repo.createRecord(input)
    return { uri: data.uri, cid: data.cid, rev: data.commit?.rev, record }
  }

  const putRecord: Account['putRecord'] = async (collection, rkey, fields) => {
    const record: RecordData = { $type: collection, ...fields }
    const { data } = await agent.com.atproto.repo.putRecord({ repo, collection, rkey, record })
    return { uri: data.uri, cid: data.cid, rev: data.commit?.rev, record }
  }

  const setTakedown = async (applied: boolean): Promise<void> => {
    await admin.com.atproto.admin.updateSubjectStatus({
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: repo },
      takedown: { applied, ref: 'testnet' },
    })
  }

  return {
    did: repo,
    get handle() {
      return current
    },
    password,
    agent,
    createRecord,
    putRecord,
    deleteRecord: async uri => {
      const { collection, rkey } = parseUri(uri)
      const { data } = await agent.com.atproto.repo.deleteRecord({ repo, collection, rkey })
      return { rev: data.commit?.rev }
    },
    applyWrites: async writes => {
      const { data } = await agent.com.atproto.repo.applyWrites({ repo, writes: writes.map(toLexicon) })
      return { rev: data.commit?.rev }
    },

    post: (text, extra) =>
      createRecord('app.bsky.feed.post', { text, langs: ['en'], createdAt: now(), ...extra }),
    like: ({ uri, cid }) => createRecord('app.bsky.feed.like', { subject: { uri, cid }, createdAt: now() }),
    repost: ({ uri, cid }) =>
      createRecord('app.bsky.feed.repost', { subject: { uri, cid }, createdAt: now() }),
    follow: did => createRecord('app.bsky.graph.follow', { subject: did, createdAt: now() }),
    updateProfile: profile => putRecord('app.bsky.actor.profile', 'self', profile),

    changeHandle: async handle => {
      await agent.com.atproto.identity.updateHandle({ handle: fullHandle(handle) })
      current = fullHandle(handle)
    },
    deactivate: async () => void (await agent.com.atproto.server.deactivateAccount({})),
    reactivate: async () => void (await agent.com.atproto.server.activateAccount()),
    deleteAccount: async () => void (await admin.com.atproto.admin.deleteAccount({ did: repo })),
    takedown: () => setTakedown(true),
    restore: () => setTakedown(false),
  }
}

function toLexicon(write: Write) {
  const { collection, rkey } = write
  switch (write.action) {
    case 'create': {
      const value = { $type: collection, ...write.record }
      return {
        $type: 'com.atproto.repo.applyWrites#create' as const,
        collection,
        value,
        ...(rkey && { rkey }),
      }
    }
    case 'update': {
      const value = { $type: collection, ...write.record }
      return { $type: 'com.atproto.repo.applyWrites#update' as const, collection, value, rkey: write.rkey }
    }
    case 'delete':
      return { $type: 'com.atproto.repo.applyWrites#delete' as const, collection, rkey: write.rkey }
  }
}

function parseUri(uri: string): { collection: string; rkey: string } {
  const [, collection, rkey] = /^at:\/\/[^/]+\/([^/]+)\/([^/]+)$/.exec(uri) ?? []
  if (!collection || !rkey) throw new TypeError(`not the URI of a record; uri=${uri}`)
  return { collection, rkey }
}

function fullHandle(handle: string): string {
  return handle.includes('.') ? handle : `${handle}.test`
}

function now(): string {
  return new Date().toISOString()
}
