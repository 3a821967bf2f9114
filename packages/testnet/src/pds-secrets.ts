import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a PDS must know again after a restart, so that sessions and PLC operations go on working. */
export interface PdsSecrets {
  readonly adminPassword: string
  readonly jwtSecret: string
  readonly plcRotationKeyHex: string
}

/** The secrets of a data directory; made up, and kept there, the first time. */
export async function loadSecrets(dataDir: string): Promise<PdsSecrets> {
  const file = join(dataDir, 'testnet-secrets.json')
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PdsSecrets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secrets: PdsSecrets = {
    adminPassword: randomHex(16),
    jwtSecret: randomHex(32),
    plcRotationKeyHex: randomHex(32),
  }
  await writeFile(file, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}
