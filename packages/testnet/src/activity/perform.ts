import { createAccount, type Host, type RecordData, type Written } from '../account.ts'
import type { Plan } from './plan.ts'
import { type ActivityState, type Actor, forget, remember } from './state.ts'

/** What came of a plan. */
export interface Outcome {
  /** The account that acted; the new one after a signup. */
  readonly did: string
  /** Of the record that was written or deleted. */
  readonly uri?: string
  readonly cid?: string
  readonly record?: RecordData
  readonly rev?: string
  /** The new handle, or the handle of a new account. */
  readonly handle?: string
}

/**
 * Does what was planned and brings the state up to date; a refusal leaves the state as it was.
 *
 * @throws XRPCError when the PDS refuses or cannot be reached.
 */
export async function perform(plan: Plan, state: ActivityState, host: Host): Promise<Outcome> {
  if (plan.kind === 'signup') {
    const account = await createAccount(host, plan.handle)
    state.actors.push({ account, temporary: true, active: true })
    return { did: account.did, handle: plan.handle }
  }

  const { actor } = plan
  const { account } = actor
  const { did } = account
  switch (plan.kind) {
    case 'post':
      return wrote(state, actor, await account.post(plan.text, plan.extra), true)
    case 'like':
      return wrote(state, actor, await account.like(plan.subject))
    case 'repost':
      return wrote(state, actor, await account.repost(plan.subject))
    case 'follow':
      return wrote(state, actor, await account.follow(plan.target.account.did))
    case 'profile':
      return outcomeOf(actor, await account.updateProfile(plan.profile))
    case 'delete': {
      const { uri } = plan.record
      const { rev } = await account.deleteRecord(uri)
      forget(state, record => record.uri === uri)
      return { did, uri, ...(rev !== undefined && { rev }) }
    }
    case 'handle':
      await account.changeHandle(plan.handle)
      return { did, handle: plan.handle }
    case 'deactivate':
      await account.deactivate()
      actor.active = false
      return { did }
    case 'reactivate':
      await account.reactivate()
      actor.active = true
      return { did }
    case 'close':
      await account.deleteAccount()
      state.actors.splice(state.actors.indexOf(actor), 1)
      forget(state, record => record.actor === actor)
      return { did }
  }
}

function wrote(state: ActivityState, actor: Actor, written: Written, isPost = false): Outcome {
  remember(state, { uri: written.uri, cid: written.cid, actor }, isPost)
  return outcomeOf(actor, written)
}

function outcomeOf({ account }: Actor, { uri, cid, record, rev }: Written): Outcome {
  return { did: account.did, uri, cid, record, ...(rev !== undefined && { rev }) }
}
