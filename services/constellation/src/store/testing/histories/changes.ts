import { tidFromTimeUs } from '@orrery/repo'
import type { Change } from '../../../store.ts'
import type { Part } from './world.ts'

/** Makes changes of the parts of a history. It gives the revs, which rise with each commit. */
export function createChanges(): (parts: readonly Part[]) => Change[] {
  let commits = 0

  function revOf(rev: 'new' | 'none' | number): string {
    if (rev === 'none') return ''
    if (rev === 'new') commits++
    return tidFromTimeUs(1_700_000_000_000_000 + Math.max(1, commits - (rev === 'new' ? 0 : rev)), 0)
  }

  function ofPart(part: Part): Change[] {
    if (part.kind !== 'commit') return [part]
    const rev = revOf(part.rev)
    return part.ops.map(({ collection, rkey, links }) => {
      const record = { did: part.did, collection, rkey }
      return links ? { kind: 'put', record, rev, links } : { kind: 'delete', record, rev }
    })
  }

  return parts => parts.flatMap(ofPart)
}
