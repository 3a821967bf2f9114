import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

import { commonOptions } from './common.ts'
import { defineOptions } from './define.ts'
import type { OptionsOf } from './define.ts'
import { embed, helpText, hideCredentials, optionsTable, printableOptions } from './docs.ts'
import { OptionsError } from './errors.ts'
import { loadOptions } from './load.ts'
import type { Secret } from './secret.ts'
import { bytes, count, duration, hostPort, list, secret, sourceUrl } from './values.ts'
import type { HostPort } from './values.ts'

const definition = defineOptions({
  prefix: 'PROBE',
  summary: 'Probes everything that options can be.',
  options: {
    dataDir: z.string().describe('Where data is.'),
    retention: duration({ min: '1m' }).prefault('48h').describe('How long to keep events.'),
    maxBytes: bytes().prefault('10GB').describe('How much to keep.'),
    workers: count({ min: 1, max: 8 }).optional().describe('Threads.'),
    source: list(sourceUrl()).prefault(['wss://a.example']).describe('Sources.'),
    collections: list(z.string()).default([]).describe('Collections.'),
    merge: z.boolean().default(false).describe('Merge sources.'),
    compress: z.boolean().default(true).describe('Compress messages.'),
    mode: z.enum(['fast', 'safe']).default('safe').describe('Fast or safe | both are fine.'),
    listen: hostPort().prefault('127.0.0.1:6008').describe('Where to serve.'),
    adminToken: secret().optional().describe('Who has it may administer.'),
  },
  check: options => (options.merge && options.source.length < 2 ? ['--merge needs two sources'] : []),
})
type ProbeOptions = OptionsOf<typeof definition>

const base = ['--data-dir', '/data']

function load(argv: string[], env: Record<string, string | undefined> = {}): ProbeOptions {
  const loaded = loadOptions(definition, { argv, env })
  if ('help' in loaded) throw new Error('it printed help')
  return loaded.options
}

function problems(argv: string[], env: Record<string, string | undefined> = {}): readonly string[] {
  try {
    load(argv, env)
  } catch (error) {
    if (error instanceof OptionsError) return error.problems
    throw error
  }
  throw new Error('there were no problems')
}

describe('loadOptions', () => {
  it('gives defaults, typed', () => {
    const options = load(base)
    expect(options).toEqual({
      dataDir: '/data',
      retention: 172_800_000,
      maxBytes: 10_000_000_000,
      workers: undefined,
      source: ['wss://a.example'],
      collections: [],
      merge: false,
      compress: true,
      mode: 'safe',
      listen: { host: '127.0.0.1', port: 6_008 },
      adminToken: undefined,
    })
    expectTypeOf<ProbeOptions['retention']>().toEqualTypeOf<number>()
    expectTypeOf<ProbeOptions['workers']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<ProbeOptions['listen']>().toEqualTypeOf<HostPort>()
    expectTypeOf<ProbeOptions['mode']>().toEqualTypeOf<'fast' | 'safe'>()
    expectTypeOf<ProbeOptions['adminToken']>().toEqualTypeOf<Secret | undefined>()
  })

  it('takes a flag with a space and with an equals sign, and the variable, all the same', () => {
    expect(load(['--data-dir', '/x']).dataDir).toBe('/x')
    expect(load(['--data-dir=/x']).dataDir).toBe('/x')
    expect(load(['--data-dir=/x=y']).dataDir).toBe('/x=y')
    expect(load([], { PROBE_DATA_DIR: '/x' }).dataDir).toBe('/x')
  })

  it('lets flags win over variables', () => {
    expect(load([...base, '--mode', 'fast'], { PROBE_MODE: 'safe', PROBE_DATA_DIR: '/env' })).toMatchObject({
      mode: 'fast',
      dataDir: '/data',
    })
    expect(
      load([...base, '--source=wss://flag.example'], { PROBE_SOURCE: 'wss://env.example' }).source,
    ).toEqual(['wss://flag.example'])
  })

  it('takes lists as repeated flags and as comma-separated variables', () => {
    expect(load([...base, '--source', 'wss://b.example', '--source=wss://c.example']).source).toEqual([
      'wss://b.example',
      'wss://c.example',
    ])
    expect(load(base, { PROBE_COLLECTIONS: 'a.b.c, d.e.f,' }).collections).toEqual(['a.b.c', 'd.e.f'])
  })

  it.each([
    [['--merge', '--source=wss://a.example', '--source=wss://b.example'], {}, true],
    [['--no-merge'], {}, false],
    [['--merge=0'], {}, false],
    [['--no-merge'], { PROBE_MERGE: 'true' }, false],
    [[], { PROBE_MERGE: 'false' }, false],
    [[], { PROBE_MERGE: '0' }, false],
  ])('takes the boolean %j %j as %s', (argv, env, merge) => {
    expect(load([...base, ...argv], env).merge).toBe(merge)
  })

  it('turns off what is on by default', () => {
    expect(load([...base, '--no-compress']).compress).toBe(false)
    expect(load(base, { PROBE_COMPRESS: 'FALSE' }).compress).toBe(false)
    expect(load(base, { PROBE_COMPRESS: '1' }).compress).toBe(true)
  })

  it('takes an empty variable for one that is not set, and leaves others alone', () => {
    expect(
      load(base, { PROBE_MODE: '', PROBE_DATA_DIR: undefined, OTHER_THING: 'x', PROBER: 'y' }).mode,
    ).toBe('safe')
  })

  it('freezes the result through and through', () => {
    const options = load(base)
    expect(Object.isFrozen(options)).toBe(true)
    expect(Object.isFrozen(options.source)).toBe(true)
    expect(Object.isFrozen(options.listen)).toBe(true)
    const nested = defineOptions({ prefix: 'P', options: { peers: list(hostPort()).describe('Peers.') } })
    const loaded = loadOptions(nested, { argv: ['--peers', ':80'], env: {} })
    expect('options' in loaded && Object.isFrozen(loaded.options.peers[0])).toBe(true)
  })

  it('lists all problems at once', () => {
    expect(
      problems(
        [
          '--retenton',
          '1h',
          '--workers',
          '9',
          '--mode=slow',
          'stray',
          '--max-bytes',
          '5',
          '--listen',
          '--merge=maybe',
        ],
        { PROBE_RETENTION: '48', PROBE_DATADIR: '/x', PROBE_SOURCE: 'wss://ok.example,nonsense' },
      ),
    ).toEqual([
      'PROBE_DATADIR is not an option; did you mean PROBE_DATA_DIR?',
      '--retenton is not an option; did you mean --retention?',
      '"stray" is not an option; options start with --',
      '--listen needs a value: --listen <host:port>',
      '--data-dir (or PROBE_DATA_DIR) is required: Where data is.',
      'PROBE_RETENTION: expected a duration with its unit, such as 48h, 30s or 250ms; got "48"',
      '--max-bytes: expected an amount of bytes with its unit, such as 64MiB or 10GB; got "5"',
      '--workers: expected a whole number from 1 to 8; got "9"',
      'PROBE_SOURCE: expected an address such as wss://relay.example; got "nonsense"',
      '--merge: expected true, false, 1 or 0; got "maybe"',
      '--mode: expected one of fast, safe; got "slow"',
    ])
  })

  it.each([
    [['--mode', 'fast', '--mode', 'safe'], '--mode is given more than once'],
    [['--merge', '--no-merge'], '--no-merge is given more than once'],
    [['--no-merge=false'], '--no-merge: expected true, false, 1 or 0; got "false"'],
    [['--no-mode'], '--no-mode is not an option; did you mean --mode?'],
    [['-d', '/x'], '"-d" is not an option; options start with --'],
    [['--'], '"--" is not an option; options start with --'],
    [['--completely-different'], '--completely-different is not an option'],
    [['--merge'], '--merge needs two sources'],
  ])('refuses %j', (argv, problem) => {
    expect(problems([...base, ...argv])).toContain(problem)
  })

  it('never repeats a secret', () => {
    const schema = defineOptions({
      prefix: 'P',
      options: {
        key: secret()
          .refine(() => false, 'expected another one')
          .describe('A key.'),
      },
    })
    expect(() => loadOptions(schema, { argv: ['--key', 'hunter2'], env: {} })).toThrow(
      expect.objectContaining({ problems: ['--key: expected another one'] }) as Error,
    )
  })

  it('says in its message how many problems there are, and which', () => {
    expect(new OptionsError(['one', 'two']).message).toBe('2 options need attention:\n  one\n  two')
    expect(new OptionsError(['one']).message).toBe('1 option needs attention:\n  one')
  })
})

describe('defineOptions', () => {
  it.each([
    ['no description', { a: z.string() }, 'no .describe()'],
    ['a name with a dash', { 'a-b': z.string().describe('x') }, 'not camel case'],
    ['a default in units nobody writes', { a: duration().default(5).describe('x') }, 'give it a .prefault()'],
    ['a boolean prefault', { a: z.boolean().prefault(true).describe('x') }, 'give it a .default()'],
  ])('refuses %s', (_what, options, message) => {
    expect(() => defineOptions({ prefix: 'P', options })).toThrow(message)
  })

  it('refuses a prefix that no variable could have', () => {
    expect(() => defineOptions({ prefix: 'jet', options: {} })).toThrow('not upper case')
  })
})

describe('documentation', () => {
  it('prints help with everything in it', () => {
    const loaded = loadOptions(definition, { argv: ['--nonsense', '--help'], env: { PROBE_NONSENSE: '1' } })
    expect(loaded).toEqual({ help: helpText(definition) })
    expect(helpText(definition)).toMatchInlineSnapshot(`
      "Probes everything that options can be.

      Options; each is also an environment variable, PROBE_ and its name in capitals:

        --data-dir <text>       Where data is. (required)
        --retention <duration>  How long to keep events. (default 48h)
        --max-bytes <bytes>     How much to keep. (default 10GB)
        --workers <n>           Threads.
        --source <url>          Sources. (repeatable, default wss://a.example)
        --collections <text>    Collections. (repeatable)
        --merge                 Merge sources. (default false)
        --[no-]compress         Compress messages. (default true)
        --mode fast|safe        Fast or safe | both are fine. (default safe)
        --listen <host:port>    Where to serve. (default 127.0.0.1:6008)
        --admin-token <secret>  Who has it may administer.
        --help                  Prints this.
      "
    `)
  })

  it('makes the table for a README', () => {
    expect(optionsTable(definition)).toMatchInlineSnapshot(`
      "| flag | variable | default | what it does |
      |---|---|---|---|
      | \`--data-dir <text>\` | \`PROBE_DATA_DIR\` | *required* | Where data is. |
      | \`--retention <duration>\` | \`PROBE_RETENTION\` | \`48h\` | How long to keep events. |
      | \`--max-bytes <bytes>\` | \`PROBE_MAX_BYTES\` | \`10GB\` | How much to keep. |
      | \`--workers <n>\` | \`PROBE_WORKERS\` | – | Threads. |
      | \`--source <url>\` | \`PROBE_SOURCE\` | \`wss://a.example\` | Sources. |
      | \`--collections <text>\` | \`PROBE_COLLECTIONS\` | – | Collections. |
      | \`--merge\` | \`PROBE_MERGE\` | \`false\` | Merge sources. |
      | \`--[no-]compress\` | \`PROBE_COMPRESS\` | \`true\` | Compress messages. |
      | \`--mode fast\\|safe\` | \`PROBE_MODE\` | \`safe\` | Fast or safe \\| both are fine. |
      | \`--listen <host:port>\` | \`PROBE_LISTEN\` | \`127.0.0.1:6008\` | Where to serve. |
      | \`--admin-token <secret>\` | \`PROBE_ADMIN_TOKEN\` | – | Who has it may administer. |"
    `)
  })

  it('embeds text between markers, again and again', () => {
    const readme = '# A\n<!-- options -->\nold\n<!-- /options -->\nend\n'
    const once = embed(readme, 'options', '| new |')
    expect(once).toBe('# A\n<!-- options -->\n\n| new |\n\n<!-- /options -->\nend\n')
    expect(embed(once, 'options', '| new |')).toBe(once)
    expect(() => embed('# A', 'options', 'x')).toThrow('no <!-- options -->')
    expect(() => embed('<!-- /options --><!-- options -->', 'options', 'x')).toThrow('no <!-- options -->')
  })

  it('prints options without secrets and credentials', () => {
    const options = load([...base, '--admin-token', 'hunter2', '--source', 'wss://me:hunter2@a.example/x'])
    const printed = JSON.stringify(printableOptions(definition, options))
    expect(printed).not.toContain('hunter2')
    expect(printed).toContain('"adminToken":"[secret]"')
    expect(printed).toContain('wss://[secret]@a.example/x')
    expect(hideCredentials('wss://a.example/x?y=z@w')).toBe('wss://a.example/x?y=z@w')
  })
})

describe('commonOptions', () => {
  const common = defineOptions({
    prefix: 'JETSTREAM',
    options: commonOptions({
      source: ['wss://relay.example'],
      dataDir: './data/jetstream',
      listen: '0.0.0.0:6008',
      metricsListen: '127.0.0.1:16008',
    }),
  })

  it('has the defaults that every service has', () => {
    expect(loadOptions(common, { argv: [], env: {} })).toEqual({
      options: {
        source: ['wss://relay.example'],
        dataDir: './data/jetstream',
        listen: { host: '0.0.0.0', port: 6_008 },
        metricsListen: { host: '127.0.0.1', port: 16_008 },
        plcUrl: 'https://plc.directory',
        verify: 'timely',
        allowPrivateHosts: false,
        trustProxy: [],
        logLevel: 'info',
        logFormat: undefined,
      },
    })
  })

  it('has the flags of the architecture', () => {
    expect(common.infos.map(info => info.flag)).toEqual([
      '--source',
      '--data-dir',
      '--listen',
      '--metrics-listen',
      '--plc-url',
      '--verify',
      '--allow-private-hosts',
      '--trust-proxy',
      '--log-level',
      '--log-format',
    ])
    expect(common.infos.find(info => info.key === 'logFormat')?.defaultText).toBe(
      'pretty on a terminal, else json',
    )
  })
})
