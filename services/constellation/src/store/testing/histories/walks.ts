import type {
  JoinKey,
  JoinPosition,
  LinkReader,
  ListKey,
  Page,
  Position,
  SourceCounts,
} from '../../../store.ts'
import type { World } from '../dump.ts'
import type { Random } from './random.ts'

/** A walk page by page, that any number of readers can make, each with its own cursor. */
export interface Walk {
  /** What is walked through, for a message. */
  name: string
  /** A page; `after` is what the same reader answered as `next`. */
  turn(reader: LinkReader, after: unknown): Promise<Page<unknown, unknown>>
}

const limits = [1, 1, 2, 2, 3, 4, 7, 20, 1_000]

/** A walk through something of this world. `times` are those at which changes were taken in. */
export function randomWalk(world: World, times: readonly number[], random: Random): Walk {
  const limit = random.pick(limits)
  const key = randomKey(world, random)
  const kind = random.pickHeavy(['backlinks', 'join', 'linkingDids', 'sourcesByCount'] as const)
  switch (kind) {
    case 'backlinks': {
      const time = (): number | undefined =>
        random.chance(0.2)
          ? random.pick(times.length > 0 ? times : [0]) + random.pick([-1, 0, 0, 1])
          : undefined
      const options = {
        limit,
        reverse: random.chance(0.5),
        dids: random.chance(0.4) ? random.some(world.dids, 5) : undefined,
        since: time(),
        until: time(),
      }
      return {
        name: tell('backlinks', key, options),
        turn: (reader, after) => reader.backlinks(key, { ...options, after: after as Position | undefined }),
      }
    }
    case 'linkingDids':
      return {
        name: tell('linkingDids', key, limit),
        turn: (reader, after) => reader.linkingDids(key, { limit, after: after as Position | undefined }),
      }
    case 'join': {
      const joinKey = randomJoin(world, random)
      return {
        name: tell('join', joinKey, limit),
        turn: (reader, after) => reader.join(joinKey, { limit, after: after as JoinPosition | undefined }),
      }
    }
    case 'sourcesByCount': {
      const excludedCollections = random.chance(0.3)
        ? random.some(world.sources, 2).map(({ collection }) => collection)
        : []
      return {
        name: tell('sourcesByCount', key.target, excludedCollections, limit),
        turn: (reader, after) =>
          reader.sourcesByCount(key.target, {
            limit,
            excludedCollections,
            after: after as SourceCounts | undefined,
          }),
      }
    }
  }
}

export function randomKey({ targets, sources }: World, random: Random): ListKey {
  return { target: random.pickHeavy(targets), source: random.pickHeavy(sources) }
}

export function randomJoin(world: World, random: Random): JoinKey {
  return {
    ...randomKey(world, random),
    pathToOther: random.pickHeavy(world.sources).path,
    dids: random.chance(0.3) ? random.some(world.dids, 4) : undefined,
    otherTargets: random.chance(0.3) ? random.some(world.targets, 5) : undefined,
  }
}

/** A limit for one page. */
export function randomLimit(random: Random): number {
  return random.pick(limits)
}

function tell(...parts: unknown[]): string {
  return JSON.stringify(parts)
}
