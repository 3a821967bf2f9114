import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { BackupError, messageOf } from './errors.ts'

/** Who signs snapshots. Its public half is text: the 32 bytes of an Ed25519 key, base64url. */
export interface SigningKey {
  readonly publicKey: string
  /** The signature over bytes, base64url. */
  sign(bytes: Buffer): string
}

/**
 * The key in a file, which is made at first use and readable by its owner alone. Keep a copy: with another key, those who
 * trust this one take no new snapshots.
 *
 * @throws BackupError `unusable` where the file is no Ed25519 key
 */
export function openSigningKey(path: string): SigningKey {
  if (!existsSync(path)) makeKey(path)
  let key: KeyObject
  try {
    key = createPrivateKey(readFileSync(path))
  } catch (cause) {
    throw new BackupError('unusable', `${path} is no private key (${messageOf(cause)})`, { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new BackupError('unusable', `${path} is no Ed25519 key`)
  return {
    publicKey: createPublicKey(key).export({ format: 'jwk' }).x!,
    sign: bytes => sign(null, bytes, key).toString('base64url'),
  }
}

/** Whether a signature over bytes is that of a public key. Anything may be given. */
export function isSignedBy(publicKey: string, bytes: Buffer, signature: string): boolean {
  try {
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: publicKey } })
    return verify(null, bytes, key, Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}

function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const { privateKey } = generateKeyPairSync('ed25519')
  const fd = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeSync(fd, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(`${path}.new`, path)
}
