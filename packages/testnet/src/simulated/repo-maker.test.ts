import { type CommitFrame, parsePublicKey, readFrame, verifyCommit } from '@orrery/repo'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../activity/random.ts'
import { makePast } from './past.ts'
import { RepoMaker, type RecordWrite } from './repo-maker.ts'

describe('RepoMaker', () => {
  it.each([0, 500])(
    'makes commits whose signature and proof hold, whatever it does, on %i of before',
    records => {
      const random = createRandom(5)
      const past = records > 0 ? makePast(records, random) : undefined
      const repo = new RepoMaker({ did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', ...(past && { past }) })
      const key = parsePublicKey(repo.key.multikey)
      const live: string[] = []
      const old = [...(past?.paths ?? [])]
      let before = repo.data?.toString()
      for (let seq = 1; seq <= 400; seq++) {
        const writes: RecordWrite[] = []
        const touched = new Set<string>()
        for (let i = 0; i <= random.below(3); i++) {
          const kind = random.below(10)
          const known = live[random.below(Math.max(1, live.length))]
          if (kind > 5 && known !== undefined && !touched.has(known)) {
            touched.add(known)
            if (kind > 7) live.splice(live.indexOf(known), 1)
            const action = kind > 7 ? 'delete' : 'update'
            writes.push({
              action,
              collection: 'app.test.thing',
              rkey: known,
              ...(kind <= 7 && { record: { seq, i } }),
            })
          } else {
            const rkey = `k${seq}-${i}`
            live.push(rkey)
            touched.add(rkey)
            writes.push({ action: 'create', collection: 'app.test.thing', rkey, record: { seq, i } })
          }
        }
        const [collection, rkey] = old.splice(random.below(old.length), 1)[0]?.split('/') ?? []
        if (rkey !== undefined) writes.push({ action: 'delete', collection: collection!, rkey })
        const { frame } = repo.commit(writes, seq)
        const read = readFrame(frame) as CommitFrame
        const verified = verifyCommit(read, { key, nowUs: Date.now() * 1000, checks: 'full' })
        expect(verified.proof).toBe('inverted')
        expect(read.prevData?.toString()).toBe(before)
        before = verified.data.toString()
      }
    },
  )
})
