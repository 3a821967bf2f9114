import type { RecordData } from '../account.ts'
import { type ActivityKind, type ActivityMix, drawKind } from './kinds.ts'
import type { Random } from './random.ts'
import { postRecord, profileRecord } from './records.ts'
import type { ActivityState, Actor, Owned } from './state.ts'

/** What to do next, with everything chosen. */
export type Plan =
  | { readonly kind: 'post'; readonly actor: Actor; readonly text: string; readonly extra: RecordData }
  | { readonly kind: 'like' | 'repost'; readonly actor: Actor; readonly subject: Owned }
  | { readonly kind: 'follow'; readonly actor: Actor; readonly target: Actor }
  | { readonly kind: 'profile'; readonly actor: Actor; readonly profile: RecordData }
  | { readonly kind: 'delete'; readonly actor: Actor; readonly record: Owned }
  | { readonly kind: 'handle'; readonly actor: Actor; readonly handle: string }
  | { readonly kind: 'deactivate' | 'reactivate' | 'close'; readonly actor: Actor }
  | { readonly kind: 'signup'; readonly handle: string }

/** Not more accounts than these are made beyond those that an activity begins with. */
const MAX_TEMPORARY = 5

/**
 * Chooses what comes next, by the mix and by what is possible: what is not (a like where there is no post) becomes a post.
 * All depends on `random` and on positions in `state`, never on a DID or a CID, so that a seed gives the same kinds in
 * each network.
 *
 * @throws Error when no account is active, which the choices here never lead to.
 */
export function planNext(random: Random, mix: ActivityMix, state: ActivityState): Plan {
  const active = state.actors.filter(actor => actor.active)
  const actor = random.pick(active)
  if (!actor) throw new Error('an activity needs an active account')
  return (
    tryKind(drawKind(random, mix), actor, active, random, state) ?? planPost(actor, active, random, state)
  )
}

function tryKind(
  kind: ActivityKind,
  actor: Actor,
  active: readonly Actor[],
  random: Random,
  state: ActivityState,
): Plan | undefined {
  switch (kind) {
    case 'like':
    case 'repost': {
      const subject = random.pick(state.posts)
      return subject && { kind, actor, subject }
    }
    case 'post':
      return undefined
    case 'follow': {
      const target = random.pick(active.filter(other => other !== actor))
      return target && { kind, actor, target }
    }
    case 'profile':
      return { kind, actor, profile: profileRecord(random, `Someone ${random.below(1_000)}`) }
    case 'delete': {
      const record = random.pick(state.records.filter(({ actor: owner }) => owner.active))
      return record && { kind, actor: record.actor, record }
    }
    case 'handle':
      return { kind, actor, handle: nextName(state, actor.account.handle) }
    case 'deactivate':
      // Most accounts stay, so that the rest of the mix has someone to do it.
      return active.length * 4 > state.actors.length * 3 && active.length > 1 ? { kind, actor } : undefined
    case 'reactivate': {
      const sleeper = random.pick(state.actors.filter(other => !other.active))
      return sleeper && { kind, actor: sleeper }
    }
    case 'signup':
      return temporaries(state).length < MAX_TEMPORARY
        ? { kind, handle: nextName(state, 'guest') }
        : undefined
    case 'close': {
      const guest = random.pick(temporaries(state).filter(other => active.some(one => one !== other)))
      return guest && { kind, actor: guest }
    }
  }
}

function planPost(actor: Actor, active: readonly Actor[], random: Random, state: ActivityState): Plan {
  const other = random.pick(state.posts)
  const mention = random.pick(active)?.account
  const { text, extra } = postRecord(random, {
    other: other && { uri: other.uri, cid: other.cid },
    mention,
  })
  return { kind: 'post', actor, text, extra }
}

function temporaries(state: ActivityState): Actor[] {
  return state.actors.filter(actor => actor.temporary)
}

/** A handle that was not used yet, within the 18 characters that a PDS allows. */
function nextName(state: ActivityState, from: string): string {
  state.names++
  const base = (from.split('.', 1)[0] ?? from).replace(/-\d+$/, '').slice(0, 11)
  return `${base}-${state.names}.test`
}
