import type { Account, StrongRef } from '../account.ts'

/** An account as an activity uses it. */
export interface Actor {
  readonly account: Account
  /** Made by the activity, which may delete it. */
  readonly temporary: boolean
  active: boolean
}

/** A record of an actor's. */
export interface Owned extends StrongRef {
  readonly actor: Actor
}

/** What an activity remembers in order to choose what comes next. Its size is bounded. */
export interface ActivityState {
  readonly actors: Actor[]
  /** The newest posts, to like, repost and answer. */
  readonly posts: Owned[]
  /** The newest records, to delete. */
  readonly records: Owned[]
  /** How many handles were made up. */
  names: number
}

/** So many posts and so many records are remembered. */
const MAX_REMEMBERED = 500

export function createState(accounts: readonly Account[]): ActivityState {
  const actors = accounts.map(account => ({ account, temporary: false, active: true }))
  return { actors, posts: [], records: [], names: 0 }
}

/** Adds a record, as a post also to the posts. */
export function remember(state: ActivityState, record: Owned, isPost: boolean): void {
  for (const list of isPost ? [state.posts, state.records] : [state.records]) {
    list.push(record)
    if (list.length > MAX_REMEMBERED) list.shift()
  }
}

/** Forgets every record that `gone` says yes to. */
export function forget(state: ActivityState, gone: (record: Owned) => boolean): void {
  for (const list of [state.posts, state.records]) {
    const left = list.filter(record => !gone(record))
    list.splice(0, list.length, ...left)
  }
}
