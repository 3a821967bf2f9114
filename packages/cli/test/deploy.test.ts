import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSimulatedNetwork, waitFor } from '@orrery/testnet'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { services } from '../src/services.ts'
import { ask } from '../src/suite/ask.ts'
import { expressionsIn } from './expressions.ts'
import { makeMachine, startSuite } from './orrery.ts'
import { type Asked, selectorsOf } from './promql.ts'

const root = join(import.meta.dirname, '../../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'orrery-deploy-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/**
 * Runs a tool that may not be here; the test is skipped then. Answers what it says.
 *
 * @throws Error with that where it is not content
 */
function runTool(context: TestContext, tool: string, ...args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(tool, args, { cwd: root, encoding: 'utf8' })
  if (error) return context.skip(`${tool} is not on this machine`)
  if (status !== 0) throw new Error(`${tool} ${args[0]} answers ${status}: ${stdout}${stderr}`)
  return stdout + stderr
}

/** Each series that services of a running suite serve, by its metric's name. */
interface Series {
  labels: Readonly<Record<string, string>>
}

describe('what is asked of metrics', () => {
  const served = new Map<string, Series[]>()

  beforeAll(async () => {
    await using stack = new AsyncDisposableStack()
    const network = stack.use(
      await startSimulatedNetwork({ accounts: 20, recordsPerAccount: 5, curve: 'p256' }),
    )
    const machine = await makeMachine(stack, { source: network.relays[0]!.url, plcUrl: network.plc.url })
    await startSuite(stack, machine)
    network.send(50)
    // What is looked at now and then is there only after the first look.
    for (const { name } of services) {
      await ask(`http://${machine.address(name)}/nothing`)
      const metrics = `http://${machine.env[`${name.toUpperCase()}_METRICS_LISTEN`]}/metrics`
      const text = await waitFor(
        async () => {
          const now = await ask(metrics)
          return now.includes('route="unknown"') || now.includes('http_request_duration_seconds_count{')
            ? now
            : undefined
        },
        { timeoutMs: 20_000, everyMs: 100 },
      )
      for (const [, metric, labels] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
        const pairs = Array.from((labels ?? '').matchAll(/(\w+)="([^"]*)"/g), ([, key, value]) => [
          key!,
          value!,
        ])
        served.set(metric!, [...(served.get(metric!) ?? []), { labels: Object.fromEntries(pairs) }])
      }
    }
    // Prometheus itself makes these.
    served.set('up', [{ labels: {} }])
  }, 120_000)

  /** What is wrong with a query, by what is served. */
  function problemsOf(expression: string): string[] {
    const asked = selectorsOf(expression)
    return asked.length === 0 ? ['it asks for nothing'] : asked.flatMap(problemOf)
  }

  function problemOf({ name, labels }: Asked): string[] {
    const names = typeof name === 'string' ? [name] : [...served.keys()].filter(each => name.test(each))
    const series = names.flatMap(each => served.get(each) ?? [])
    if (series.length === 0) return [`no service has ${String(name)}`]
    return labels
      .filter(label => !['suite', 'job', 'instance'].includes(label.name))
      .flatMap(label => {
        const values = new Set(series.map(each => each.labels[label.name]))
        // Of a histogram there are only the routes and statuses that were seen.
        const isOpen = names.some(each => each.startsWith('http_request_duration'))
        const wanted = label.value.split('|').filter(value => /^\w+$/.test(value))
        if (values.size === 1 && values.has(undefined)) return [`${String(name)} has no label ${label.name}`]
        return isOpen
          ? []
          : wanted.filter(value => !values.has(value)).map(value => `${label.name}="${value}" never is`)
      })
  }

  it.each(globSync('deploy/{grafana/dashboards/*.json,prometheus/alerts.yml}', { cwd: root }))(
    '%s asks only for what services serve',
    file => {
      const expressions = expressionsIn(read(file))
      expect(expressions.length).toBeGreaterThan(10)
      const problems = expressions.flatMap(expression =>
        problemsOf(expression).map(problem => `${expression}: ${problem}`),
      )
      expect(problems).toEqual([])
    },
  )

  it('would notice a metric or a label that there is not', () => {
    expect(problemsOf('rate(jetstream_sent_evnts_total[5m])')).toEqual([
      'no service has jetstream_sent_evnts_total',
    ])
    expect(problemsOf('sum by (x) (jetstream_subscribers{stat="live"}) / up')).toEqual([
      'jetstream_subscribers has no label stat',
    ])
    expect(problemsOf('{__name__=~".+_upstream_dropped_total",reason=~"replay|forged"} > 0.5')).toEqual([
      'reason="forged" never is',
    ])
    expect(problemsOf('{__name__=~".+_nothing"}')).toEqual(['no service has /^(?:.+_nothing)$/'])
  })

  it('has an alert for everything, and a chapter for every alert', () => {
    const alerts = Array.from(
      read('deploy/prometheus/alerts.yml').matchAll(/- alert: (\w+)/g),
      ([, name]) => name!,
    )
    const chapters = Array.from(read('docs/alerts.md').matchAll(/^## (\w+)$/gm), ([, name]) => name!)
    expect(chapters).toEqual(alerts)
    const tested = read('deploy/prometheus/alerts.test.yml')
    expect(alerts.filter(name => !tested.includes(`alertname: ${name}`))).toEqual([])
  })
})

describe('files that name the services', () => {
  it.each(services.map(({ name, port }) => [name, port] as const))('have %s, on port %i', (name, port) => {
    const capitals = name.toUpperCase()
    const metricsPort = 10_000 + port
    expect(read('Dockerfile')).toContain(
      `FROM runtime AS ${name}\nENV ${capitals}_DATA_DIR=/data/${name} ${capitals}_METRICS_LISTEN=0.0.0.0:${metricsPort}\nEXPOSE ${port} ${metricsPort}\n`,
    )
    expect(read('compose.yaml')).toContain(`:${port}:${port}"]`)
    expect(read('compose.yaml')).toContain(`ORRERY_${capitals}: ${name}:${port}`)
    expect(read('deploy/caddy/Caddyfile')).toContain(`reverse_proxy {$ORRERY_${capitals}:127.0.0.1:${port}}`)
    expect(read('deploy/nginx/orrery.conf')).toMatch(
      new RegExp(`upstream orrery_${name} +{ server 127.0.0.1:${port};`),
    )
    expect(read('deploy/prometheus/prometheus.yml')).toContain(`'${name}:${metricsPort}'`)
    expect(read('deploy/try-image.sh')).toContain(name)
  })

  it.each(services.filter(service => service.followsJetstream).map(({ name }) => name))(
    'let %s follow the Jetstream',
    name => {
      const variable = `${name.toUpperCase()}_SOURCE`
      expect(read('deploy/systemd/orrery@.service')).toContain(
        `Environment=${variable}=ws://127.0.0.1:6008/subscribe`,
      )
      expect(read('compose.yaml')).toContain(`${variable}: ws://jetstream:6008/subscribe`)
    },
  )
})

describe('by their own tools', () => {
  it('alert rules hold, and fire when they should', context => {
    const rules = 'deploy/prometheus/alerts.yml'
    expect(runTool(context, 'promtool', 'check', 'rules', rules)).toMatch(/SUCCESS: \d+ rules found/)
    const tests = 'deploy/prometheus/alerts.test.yml'
    expect(runTool(context, 'promtool', 'test', 'rules', tests)).toContain('SUCCESS')
    const config = 'deploy/prometheus/prometheus.yml'
    expect(runTool(context, 'promtool', 'check', 'config', config)).toContain('is valid')
  })

  it('the Caddyfile is one', context => {
    const file = 'deploy/caddy/Caddyfile'
    const said = runTool(context, 'caddy', 'validate', '--adapter', 'caddyfile', '--config', file)
    expect(said).toContain('Valid configuration')
  })

  it('nginx takes its example', context => {
    const [key, certificate] = [join(scratch, 'key.pem'), join(scratch, 'certificate.pem')]
    const words = `req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${certificate} -days 2 -subj /CN=x`
    runTool(context, 'openssl', ...words.split(' '))
    const site = read('deploy/nginx/orrery.conf')
      .replaceAll('/etc/letsencrypt/live/example.org/fullchain.pem', certificate)
      .replaceAll('/etc/letsencrypt/live/example.org/privkey.pem', key)
      .replaceAll('/var/cache/nginx/orrery', join(scratch, 'cache'))
    writeFileSync(join(scratch, 'site.conf'), site)
    const main = join(scratch, 'nginx.conf')
    writeFileSync(
      main,
      `pid ${scratch}/pid; error_log ${scratch}/error.log; events {} http { access_log off; include ${scratch}/site.conf; }`,
    )
    expect(runTool(context, 'nginx', '-t', '-c', main)).toContain('test is successful')
  })

  it('systemd takes the units, and finds them well closed in', context => {
    const folder = join(scratch, 'units')
    mkdirSync(folder)
    // Units name a place and a user that are not on this machine.
    for (const name of ['orrery.service', 'orrery@.service', 'orrery.target']) {
      const text = read(`deploy/systemd/${name}`)
        .replaceAll('/opt/orrery', root)
        .replaceAll(/^(User|Group)=.*\n/gm, '')
      writeFileSync(join(folder, name.replace('@.', '@jetstream.')), text)
    }
    const units = ['orrery.service', 'orrery@jetstream.service', 'orrery.target'].map(name =>
      join(folder, name),
    )
    // What it dislikes it only says; but that the Jetstream is not after itself is as it should be.
    const said = runTool(context, 'systemd-analyze', 'verify', ...units).split('\n')
    expect(said.filter(line => line !== '' && !line.includes('is dropped'))).toEqual([])
    for (const file of ['orrery.service', 'orrery@.service']) {
      const unit = join(folder, 'exposed.service')
      writeFileSync(unit, read(`deploy/systemd/${file}`))
      // Out of 100; 20 and less is well.
      const judged = runTool(context, 'systemd-analyze', 'security', '--offline=true', '--threshold=20', unit)
      expect(judged).toContain('Overall exposure level')
    }
  })

  it('compose files are ones, with all profiles', context => {
    const profiles = ['--profile', 'metrics', '--profile', 'https']
    expect(runTool(context, 'docker-compose', ...profiles, 'config', '--services').split('\n')).toEqual(
      expect.arrayContaining([...services.map(({ name }) => name), 'prometheus', 'grafana', 'caddy']),
    )
  })

  it('names every base image by version and digest, once', () => {
    const images = ['Dockerfile', 'compose.yaml'].flatMap(file => read(file).match(/docker\.io\/[^\s}]+/g)!)
    for (const image of images)
      expect(image).toMatch(/^docker\.io\/[a-z/]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$/)
    expect(images.map(image => image.split(':')[0]!).toSorted()).toEqual(
      ['grafana/grafana', 'library/caddy', 'library/debian', 'library/node', 'prom/prometheus'].map(
        name => `docker.io/${name}`,
      ),
    )
  })

  it.each(globSync('deploy/*.sh', { cwd: root }))('%s is a script', file => {
    expect(spawnSync('sh', ['-n', file], { cwd: root }).status).toBe(0)
  })
})
