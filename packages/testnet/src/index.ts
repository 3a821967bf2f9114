export {
  type Account,
  createAccount,
  type Host,
  type RecordData,
  SAMPLE_PASSWORD,
  signIn,
} from './account.ts'
export type { StrongRef, Write, Written } from './account.ts'
export { type Activity, type ActivityCounts, type ActivityEntry, startActivity } from './activity/activity.ts'
export type { ActivityOptions } from './activity/activity.ts'
export { ACTIVITY_KINDS, type ActivityKind, type ActivityMix, DEFAULT_MIX } from './activity/kinds.ts'
export { createRandom, type Random } from './activity/random.ts'
export { type Corpus, loadCorpus } from './corpus.ts'
export { type DataMap, type DataValue, decodeCbor, encodeCbor } from './dag-cbor.ts'
export { type DidDocument, didDocument, type DidDocumentParts } from './did-document.ts'
export type { DidService, VerificationMethod } from './did-document.ts'
export { type FakePlc, type PlcTrouble, startFakePlc } from './fake-plc.ts'
export { type FirehoseTap, tapFirehose } from './firehose-tap.ts'
export { decodeFrame, encodeFrame, errorFrame, type Frame, infoFrame } from './frame.ts'
export { seqOf, tryDecodeFrame } from './frame.ts'
export { type Network, type NetworkOptions, sampleName, startNetwork } from './network.ts'
export { type Pds, type PdsOptions, startPds } from './pds.ts'
export { type Plc, type PlcOptions, startPlc } from './plc.ts'
export type { RelayConnection } from './relay/connection.ts'
export { startFakeRelay } from './relay/fake-relay.ts'
export type { CursorStyle } from './relay/history.ts'
export type { Refusal } from './relay/refusal.ts'
export type { FakeRelay, FakeRelayOptions, RelayStats } from './relay/types.ts'
export { loadRelayScenarios, type RelayScenario } from './scenarios.ts'
export type { ScenarioAccount, ScenarioMessage } from './scenarios.ts'
export { hasSharedData, interopJson, interopLines, interopText } from './shared-data.ts'
export { SHARED_DATA_ABSENT, sharedData } from './shared-data.ts'
export { waitFor, type WaitOptions, within } from './wait.ts'
export { frameBody, RepoMaker, type RepoMakerOptions } from './simulated/repo-maker.ts'
export type { CommitBody, MadeCommit, RecordWrite } from './simulated/repo-maker.ts'
