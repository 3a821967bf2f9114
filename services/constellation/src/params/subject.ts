import { atUriParts, isDid, normaliseTarget } from '@orrery/links'
import { invalidParameter, type QueryParams } from '@orrery/server'
import type { LinkReader } from '../store.ts'
import { limits } from './limits.ts'

/** The DID that a handle points to; undefined where it points nowhere or that cannot be told now. */
export type ResolveHandle = (handle: string) => Promise<string | undefined>

/** Finds the target in the index that the text of a request stands for. */
export type FindTarget = (text: string) => string | Promise<string>

/** A subject as it was written: any text that is not empty and not longer than targets are. */
export function readSubject(query: QueryParams, name: string): string {
  return checkSubject(query.required(name), name)
}

/** @throws HttpError 400 that names the parameter */
export function checkSubject(text: string, name: string): string {
  if (text === '') throw invalidParameter(name, 'is empty')
  if (text.length > limits.subject) {
    throw invalidParameter(name, `has more than ${limits.subject} characters; there are no such links`)
  }
  return text
}

/**
 * Makes the look-up of targets: the exact text where anything ever linked to it, else its normalised form, and where that
 * is an AT-URI with a handle that nothing links to, the same with the handle's DID. What is normalised and has no handle
 * costs no read.
 */
export function createFindTarget(reader: LinkReader, resolveHandle?: ResolveHandle): FindTarget {
  return text => {
    const target = normaliseTarget(text)
    if (target === undefined) return text
    const handle = resolveHandle && handleOf(target)
    return target === text && handle === undefined ? text : search(text, target, handle)
  }

  async function search(text: string, target: string, handle: string | undefined): Promise<string> {
    if (await reader.knows(text)) return text
    if (!resolveHandle || handle === undefined || (await reader.knows(target))) return target
    const did = await resolveHandle(handle)
    return did === undefined || !isDid(did)
      ? target
      : `at://${did}${target.slice('at://'.length + handle.length)}`
  }
}

/** The handle that stands in an AT-URI in place of a DID: anything that looks like a domain name. */
function handleOf(target: string): string | undefined {
  const authority = atUriParts(target)?.authority
  return authority !== undefined && authority.length <= 253 && domain.test(authority) ? authority : undefined
}

const domain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
