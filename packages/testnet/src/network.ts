import { type Account, createAccount } from './account.ts'
import { type Pds, type PdsOptions, startPds } from './pds.ts'
import { type Plc, type PlcOptions, startPlc } from './plc.ts'

export interface NetworkOptions {
  /** How many accounts to make, named after {@link sampleName}. Default 2. */
  readonly accounts?: number
  readonly plc?: PlcOptions
  readonly pds?: Omit<PdsOptions, 'plcUrl'>
}

/** A small atproto network on this machine. Disposing it stops everything and removes its temporary files. */
export interface Network extends AsyncDisposable {
  readonly plc: Plc
  readonly pds: Pds
  /** The sample accounts, in the order of their names. */
  readonly accounts: readonly Account[]
}

/** Starts a PLC, a PDS and some accounts on it. A second PDS: `startPds({ plcUrl: network.plc.url })`. */
export async function startNetwork({ accounts = 2, plc, pds }: NetworkOptions = {}): Promise<Network> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await startPlc(plc))
  const host = stack.use(await startPds({ ...pds, plcUrl: directory.url }))
  const members: Account[] = []
  for (let i = 0; i < accounts; i++) members.push(await createAccount({ pds: host }, sampleName(i)))

  const owned = stack.move()
  return {
    plc: directory,
    pds: host,
    accounts: members,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const NAMES = [
  'alice',
  'bob',
  'carol',
  'dan',
  'erin',
  'frank',
  'grace',
  'heidi',
  'ivan',
  'judy',
  'kim',
  'leo',
  'mallory',
  'nina',
  'olivia',
  'peggy',
  'quinn',
  'rupert',
  'sybil',
  'trent',
] as const

/** The name of sample account `index`: `alice`, `bob`, …, then `alice-2`. Its handle is that and `.test`. */
export function sampleName(index: number): string {
  const name = NAMES[index % NAMES.length] as string
  const round = Math.floor(index / NAMES.length)
  return round === 0 ? name : `${name}-${round + 1}`
}
