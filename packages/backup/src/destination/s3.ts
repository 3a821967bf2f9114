import { S3mini, S3ServiceError } from 's3mini'
import { BackupError } from '../errors.ts'
import { readS3Settings } from './credentials.ts'
import { isPassing, readAnswer, reasonOf } from './http.ts'
import type { Destination, StoredObject } from './types.ts'

const timeoutMs = 120_000

export interface S3Options {
  /** Where the server is, for what is not Amazon's: `https://s3.example.com`. */
  endpoint?: string | undefined
  env?: NodeJS.ProcessEnv | undefined
}

/**
 * Snapshots in a bucket: `s3://bucket/prefix`. Buckets are addressed as the first part of the path, which every server
 * knows. Without credentials only what is public can be read.
 *
 * @throws BackupError `unusable` where it is no such URL
 */
export function openS3(url: string, { endpoint, env }: S3Options = {}): Destination {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]*[a-z0-9])(?:\/(.*))?$/.exec(url) ?? []
  if (bucket === undefined) throw new BackupError('unusable', `"${url}" is no s3://bucket/prefix`)
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`
  const settings = readS3Settings(env)
  const region = settings.region ?? 'us-east-1'
  const host = endpoint ?? settings.endpoint ?? `https://s3.${region}.amazonaws.com`
  const s3 = new S3mini({
    accessKeyId: settings.credentials?.accessKeyId ?? '',
    secretAccessKey: settings.credentials?.secretAccessKey ?? '',
    endpoint: `${host.replace(/\/$/, '')}/${bucket}`,
    region,
    requestAbortTimeout: timeoutMs,
  })
  const hasCredentials = settings.credentials !== undefined

  const attempt = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof BackupError) throw cause
      if (cause instanceof S3ServiceError && !isPassing(cause.status)) {
        const hint = hasCredentials
          ? 'Check the bucket and what the key may do'
          : 'There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
        const reason = `${cause.status} ${cause.serviceCode ?? ''}`.trim()
        throw new BackupError('unusable', `cannot ${doing}: ${reason}. ${hint}.`, { cause })
      }
      throw new BackupError('unreachable', `cannot ${doing}: ${reasonOf(cause)}`, { cause })
    }
  }

  return {
    name: url,
    get: (key, maxBytes) =>
      attempt(`read ${url}`, async () => {
        const response = await s3.getObjectResponse(prefix + key)
        return response ? readAnswer(response, `${url} ${key}`, maxBytes) : undefined
      }),
    list: under =>
      attempt(`list ${url}`, async () => {
        const objects: StoredObject[] = []
        let token: string | undefined
        do {
          const page = await s3.listObjectsPaged('/', prefix + under, 1000, token)
          if (!page)
            throw new BackupError(
              'missing',
              `there is no bucket ${bucket} at ${new URL(host).host}; make it first`,
            )
          for (const { Key, Size } of page.objects ?? []) {
            objects.push({ key: Key.slice(prefix.length), bytes: Size })
          }
          token = page.nextContinuationToken
        } while (token !== undefined)
        return objects
      }),
    put: (key, body) =>
      attempt(`write to ${url}`, async () => {
        await s3.putObject(prefix + key, body, 'application/octet-stream')
      }),
    flush: async () => {},
    [Symbol.asyncDispose]: async () => {},
    remove: keys =>
      attempt(`remove from ${url}`, async () => {
        if (keys.length > 0) await s3.deleteObjects(keys.map(key => prefix + key))
      }),
  }
}
