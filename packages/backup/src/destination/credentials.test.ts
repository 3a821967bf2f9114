import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readS3Settings } from './credentials.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-aws-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const files = {
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  AWS_CONFIG_FILE: join(folder, 'config'),
}
writeFileSync(
  files.AWS_SHARED_CREDENTIALS_FILE,
  '[default]\naws_access_key_id = A\naws_secret_access_key=B=\n# aws\n[other]\naws_access_key_id = C\naws_secret_access_key = D\n',
)
writeFileSync(
  files.AWS_CONFIG_FILE,
  '[default]\nregion = eu-1\n[profile other]\nregion = eu-2\nendpoint_url = https://s3.example\n',
)

it('the environment comes before the files, and a profile is chosen by its name', () => {
  expect(readS3Settings({ HOME: folder })).toEqual({
    credentials: undefined,
    region: undefined,
    endpoint: undefined,
  })
  expect(readS3Settings(files)).toEqual({
    credentials: { accessKeyId: 'A', secretAccessKey: 'B=' },
    region: 'eu-1',
    endpoint: undefined,
  })
  expect(readS3Settings({ ...files, AWS_PROFILE: 'other' })).toEqual({
    credentials: { accessKeyId: 'C', secretAccessKey: 'D' },
    region: 'eu-2',
    endpoint: 'https://s3.example',
  })
  expect(
    readS3Settings({ ...files, AWS_ACCESS_KEY_ID: 'E', AWS_SECRET_ACCESS_KEY: 'F', AWS_REGION: 'eu-3' }),
  ).toMatchObject({ credentials: { accessKeyId: 'E', secretAccessKey: 'F' }, region: 'eu-3' })
  // Half a pair is none.
  expect(readS3Settings({ HOME: folder, AWS_ACCESS_KEY_ID: 'E' }).credentials).toBeUndefined()
})
