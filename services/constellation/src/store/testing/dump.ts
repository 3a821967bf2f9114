import type { LinkReader, RecordKey, Source } from '../../store.ts'

/** What can be asked about. */
export interface World {
  targets: string[]
  sources: Source[]
  dids: string[]
  records: RecordKey[]
}

/** Everything that an index answers about a small world, with the places of each list, to compare before and after. */
export async function dump(reader: LinkReader, { targets, sources, dids, records }: World): Promise<unknown> {
  const limit = 1_000
  const keys = targets.flatMap(target => sources.map(source => ({ target, source })))
  const paths = [...new Set(sources.map(({ path }) => path))]
  return {
    stats: await reader.stats(),
    counts: await reader.counts(keys),
    lists: await Promise.all(keys.map(key => reader.backlinks(key, { limit }))),
    places: await Promise.all(keys.map(async key => (await reader.backlinks(key, { limit: 1 })).next)),
    filtered: await Promise.all(keys.map(key => reader.backlinks(key, { limit, dids, reverse: true }))),
    dids: await Promise.all(keys.map(key => reader.linkingDids(key, { limit }))),
    joins: await Promise.all(
      keys.flatMap(key =>
        paths.flatMap(pathToOther => [
          reader.join({ ...key, pathToOther }, { limit }),
          reader.joinCounts({ ...key, pathToOther }, { limit }),
        ]),
      ),
    ),
    sources: await Promise.all(targets.map(target => reader.sources(target))),
    byCount: await Promise.all(targets.map(target => reader.sourcesByCount(target, { limit }))),
    known: await Promise.all(targets.map(target => reader.knows(target))),
    accounts: await Promise.all(dids.map(did => reader.accountTargets(did, { limit }))),
    forward: await Promise.all(records.map(record => reader.forward(record))),
  }
}
