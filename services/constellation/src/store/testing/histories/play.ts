import type { Change } from '../../../store.ts'
import { noProgress, startMs } from '../test-index.ts'
import type { OpenStore, TestedStore } from '../tested-store.ts'
import { createChanges } from './changes.ts'
import { checkAgainst, OpenWalk, type Pair, type Tally } from './check-against.ts'
import { Random } from './random.ts'
import { randomWalk } from './walks.ts'
import { type Step, world } from './world.ts'

/** Plays a history on two new stores at once, and compares what they answer on the way and in the end. */
export async function play(
  steps: readonly Step[],
  open: [spec: OpenStore, tested: OpenStore],
  tally: Tally,
): Promise<void> {
  const stores: TestedStore[] = []
  try {
    for (const openOne of open) stores.push(await openOne())
    const player = new Player(stores, tally)
    for (const step of steps) await player.take(step)
    await player.take({ kind: 'check', seed: steps.length })
  } finally {
    for (const store of stores) await store[Symbol.asyncDispose]()
  }
}

class Player {
  #stores: TestedStore[]
  #tally: Tally
  #changes = createChanges()
  #applied: Change[] = []
  #times: number[] = []
  #nowMs = startMs
  #walks: OpenWalk[] = []

  constructor(stores: TestedStore[], tally: Tally) {
    this.#stores = stores
    this.#tally = tally
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'apply':
        this.#nowMs += step.byMs
        return this.#apply(this.#changes(step.parts))
      case 'replay': {
        const from = Math.floor(step.from * this.#applied.length)
        const stretch = this.#applied.slice(from, from + step.count)
        for (let i = 0; i < stretch.length; i += step.atOnce)
          await this.#apply(stretch.slice(i, i + step.atOnce))
        return
      }
      case 'reopen':
        for (const [i, store] of this.#stores.entries()) {
          if (store.reopen) this.#stores[i] = await store.reopen()
        }
        return
      case 'tidy':
        for (const { writer } of this.#stores) {
          for (let i = 0; i < step.steps && (await writer.tidy()); i++);
        }
        return
      case 'walk':
        this.#walks.push(new OpenWalk(randomWalk(world, this.#times, new Random(step.seed))))
        return
      case 'turn':
        for (const walk of this.#walks) await walk.turn(this.#pair, this.#tally)
        this.#walks = this.#walks.filter(({ ended }) => !ended)
        return
      case 'check':
        return checkAgainst(
          this.#pair,
          world,
          { times: this.#times, random: new Random(step.seed) },
          this.#tally,
        )
    }
  }

  get #pair(): Pair {
    const [spec, tested] = this.#stores
    return { spec: spec!.reader, tested: tested!.reader }
  }

  async #apply(changes: Change[]): Promise<void> {
    this.#applied.push(...changes)
    this.#times.push(this.#nowMs)
    // Every third time some of it is gathered first.
    const gathered = this.#times.length % 3 === 0 ? Math.ceil(changes.length / 2) : 0
    for (const { writer } of this.#stores) {
      if (gathered > 0) await writer.gather(changes.slice(0, gathered), this.#nowMs)
      await writer.apply(changes.slice(gathered), noProgress, this.#nowMs)
    }
  }
}
