import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What requests to S3 are signed with. Never part of a message or a log. */
export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

/** How S3 is reached, as its tools have it in the environment and in `~/.aws`. */
export interface S3Settings {
  credentials: Credentials | undefined
  region: string | undefined
  endpoint: string | undefined
}

/**
 * Reads `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, else the profile (`AWS_PROFILE`, by default `default`) of
 * `~/.aws/credentials` and `~/.aws/config`. Temporary credentials (with a session token) are not known.
 */
export function readS3Settings(env: NodeJS.ProcessEnv = process.env): S3Settings {
  const folder = join(env['HOME'] ?? homedir(), '.aws')
  const profile = env['AWS_PROFILE'] ?? 'default'
  const secrets = readSection(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials'), [profile])
  const config = readSection(env['AWS_CONFIG_FILE'] ?? join(folder, 'config'), [
    profile,
    `profile ${profile}`,
  ])
  const fromEnv = pair(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'])
  return {
    credentials: fromEnv ?? pair(secrets['aws_access_key_id'], secrets['aws_secret_access_key']),
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? config['region'],
    endpoint: env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? config['endpoint_url'],
  }
}

function pair(accessKeyId: string | undefined, secretAccessKey: string | undefined): Credentials | undefined {
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
}

function readSection(path: string, names: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {}
  if (!existsSync(path)) return values
  let isWanted = false
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1]
    if (section !== undefined) isWanted = names.includes(section.trim())
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (isWanted && key !== undefined) values[key] = value!
  }
  return values
}
