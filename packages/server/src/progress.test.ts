import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { createProgress } from './progress.ts'

function setUp(isTTY: boolean) {
  let time = 0
  const drawn: string[] = []
  const logged: string[] = []
  const progress = createProgress({
    what: 'importing',
    total: 200,
    logger: createLogger({
      name: 'test',
      level: 'info',
      format: 'json',
      stream: { write: text => logged.push(text) },
    }),
    stream: { isTTY, columns: 120, write: text => drawn.push(text) },
    now: () => time,
  })
  return { progress, drawn, logged, pass: (ms: number) => (time += ms) }
}

describe('on a terminal', () => {
  it('draws a bar in place with what is done and what is left', () => {
    const { progress, drawn, logged, pass } = setUp(true)
    progress.at(0)
    pass(30_000)
    progress.at(50, '12 links/s')
    expect(drawn[0]).toBe(`\rimporting ${'░'.repeat(24)}   0 % · ? left\x1b[K`)
    expect(drawn[1]).toBe(
      `\rimporting ${'█'.repeat(6)}${'░'.repeat(18)}  25 % · 1 min 30 s left · 12 links/s\x1b[K`,
    )
    pass(90_000)
    progress.at(200)
    progress.end()
    expect(drawn.at(-1)).toBe(`\rimporting ${'█'.repeat(24)} 100 % · took 2 min 0 s\x1b[K\n`)
    expect(logged).toEqual([])
  })

  it('draws no more than ten times a second', () => {
    const { progress, drawn, pass } = setUp(true)
    for (let i = 0; i < 100; i++) {
      progress.at(i)
      pass(1)
    }
    expect(drawn).toHaveLength(1)
  })
})

it('writes a line of log now and then where there is no terminal', () => {
  const { progress, drawn, logged, pass } = setUp(false)
  for (let i = 0; i < 200; i++) {
    progress.at(i)
    pass(100)
  }
  progress.end()
  expect(drawn).toEqual([])
  expect(logged.map(line => JSON.parse(line) as unknown)).toMatchObject([
    { msg: 'importing', percent: '50 %', left: '10 s left' },
    { msg: 'importing', percent: '99 %', left: 'took 20 s' },
  ])
})
