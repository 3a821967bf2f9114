import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, waitFor } from '@orrery/testnet'
import S3rver from 's3rver'

/** A real S3 server on loopback, with a bucket of the name `snapshots`. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly env: { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }
}

export interface S3Kind {
  name: string
  isThere: boolean
  /** Checks signatures, and lists more than a thousand objects. s3rver's lists end in an error there on today's Node. */
  isStrict: boolean
  start(folder: string): Promise<S3Server>
}

export const s3Servers: readonly S3Kind[] = [
  { name: 's3rver, from npm', isThere: true, isStrict: false, start: startS3rver },
  {
    // `go install github.com/versity/versitygw/cmd/versitygw@latest`; it looks closer at signatures.
    name: 'versitygw, where it is installed',
    isThere: spawnSync('versitygw', ['--version']).status === 0,
    isStrict: true,
    start: startVersity,
  },
]

async function startS3rver(folder: string): Promise<S3Server> {
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    directory: join(folder, 's3rver'),
    silent: true,
    configureBuckets: [{ name: 'snapshots' }],
  })
  const { port } = await server.run()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    env: { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function startVersity(folder: string): Promise<S3Server> {
  const port = await freePort()
  const data = join(folder, 'versity')
  // A folder is a bucket there.
  mkdirSync(join(data, 'snapshots'), { recursive: true })
  const env = { AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'very-secret' }
  const flags = ['--access', env.AWS_ACCESS_KEY_ID, '--secret', env.AWS_SECRET_ACCESS_KEY, '--quiet']
  const child: ChildProcess = spawn('versitygw', [...flags, '--port', `127.0.0.1:${port}`, 'posix', data], {
    stdio: 'ignore',
  })
  const endpoint = `http://127.0.0.1:${port}`
  await waitFor(
    () =>
      fetch(endpoint).then(
        () => true,
        () => false,
      ),
    { what: 'versitygw', timeoutMs: 20_000 },
  )
  return {
    endpoint,
    env,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
    },
  }
}
