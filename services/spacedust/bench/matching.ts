import { createRandom } from '@orrery/testnet'
import type { Figure } from '../../../scripts/bench/figure.ts'
import { blockFor } from '../src/block.ts'
import type { LinkEntry } from '../src/entry.ts'
import { createFilter, type FilterParams, type LinkFilter, passes } from '../src/subscribe/filter.ts'
import { Matcher } from '../src/subscribe/matcher.ts'
import { makeEntries } from './events.ts'

// What it takes to find out who wants a link, among 10, 100 and 1,000 different filters; beside asking each of them.

const commits = 20_000
const blockLinks = 100
const largeFilters = 10
const largeSubjects = 50_000

const anything: FilterParams = {
  subjects: [],
  subjectPrefixes: [],
  subjectDids: [],
  sources: [],
  sourceCollections: [],
  authors: [],
  operations: [],
}

interface Matching {
  usPerLink: number
  matchesPerLink: number
}

export async function benchMatching(): Promise<Figure[]> {
  const links = makeEntries(commits)
  return [10, 100, 1_000].map(count => {
    const filters = makeFilters(count, links)
    const found = measure(links, indexed(filters))
    const asked = measure(links, askingEach(filters))
    if (found.matchesPerLink !== asked.matchesPerLink) throw new Error('the index found something else')
    return {
      name: `µs to match a link among ${count} filters`,
      figure: found.usPerLink,
      peer: 'asking each',
      peerFigure: asked.usPerLink,
      ratio: asked.usPerLink / found.usPerLink,
      note: `${found.matchesPerLink.toFixed(2)} matches a link`,
    }
  })
}

/** Mixed: ten of them have 50,000 subjects, the others accounts, authors, sources or prefixes of a few. */
function makeFilters(count: number, links: readonly LinkEntry[]): LinkFilter[] {
  const random = createRandom(count)
  const some = (of: (link: LinkEntry) => string, least: number): string[] =>
    Array.from({ length: least + random.below(least) }, () => of(random.pick(links)!))
  return Array.from({ length: count }, (_, i) => {
    const params = (): Partial<FilterParams> => {
      if (i < largeFilters) {
        const subjects = new Set(some(link => link.subject, 2_000))
        for (let n = 0; subjects.size < largeSubjects; n++) {
          subjects.add(
            `at://did:plc:${String(i).padStart(12, '2')}${String(n).padStart(12, '2')}/app.bsky.feed.post/3l`,
          )
        }
        return { subjects: [...subjects] }
      }
      if (i % 4 === 0) return { subjectDids: some(({ subject }) => subject.split('/')[2] ?? subject, 10) }
      if (i % 4 === 1) return { authors: some(({ did }) => did, 10) }
      if (i % 4 === 2) return { subjectPrefixes: some(({ subject }) => subject.slice(0, 37), 5) }
      return { subjects: some(({ subject }) => subject, 20), sources: ['app.bsky.feed.like:subject.uri'] }
    }
    return createFilter({ ...anything, ...params() }, 'instant')
  })
}

/** Answers how many matches there are. */
type Match = (links: readonly LinkEntry[]) => number

function measure(links: readonly LinkEntry[], match: Match): Matching {
  match(links.slice(0, links.length / 10))
  const before = performance.now()
  const matches = match(links)
  const usPerLink = ((performance.now() - before) * 1000) / links.length
  return { usPerLink, matchesPerLink: matches / links.length }
}

/** As the hub does it: blocks of what came within a tick, each filter asked for its part once. */
function indexed(filters: readonly LinkFilter[]): Match {
  const matcher = new Matcher('instant')
  const entered = filters.map(filter => matcher.add(filter))
  return links => {
    let matches = 0
    for (let i = 0; i < links.length; i += blockLinks) {
      const block = blockFor('instant', links.slice(i, i + blockLinks))!
      for (const filter of entered) matches += filter.select(block)?.length ?? block.count
    }
    return matches
  }
}

function askingEach(filters: readonly LinkFilter[]): Match {
  return links => {
    let matches = 0
    for (let i = 0; i < links.length; i += blockLinks) {
      // Made here too, so that both have the same to do beside.
      blockFor('instant', links.slice(i, i + blockLinks))
      for (const { wanted } of filters) {
        for (const link of links.slice(i, i + blockLinks)) if (passes(link, wanted, 'instant')) matches++
      }
    }
    return matches
  }
}

if (import.meta.main) console.table(await benchMatching())
