import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { loadDefinitions } from './definitions.ts'
import { configSchema } from './schema.ts'
import { schemaFile } from './write-schema.ts'

it('is the one in the repository: else run packages/cli/src/suite/write-schema.ts and npm run format', async () => {
  const made = configSchema(await loadDefinitions())
  expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(made)
})

it('has every option of every service, with what it does and its usual value', async () => {
  const definitions = await loadDefinitions()
  const { properties } = configSchema(definitions) as { properties: Record<string, { properties: object }> }
  for (const [name, { infos }] of definitions) {
    expect(Object.keys(properties[name]!.properties)).toEqual(infos.map(({ key }) => key))
  }
  expect(properties.jetstream!.properties).toMatchObject({
    retention: { type: 'string', description: expect.stringMatching(/\. Default: 48h\.$/) },
    merge: { type: 'boolean' },
    verify: { enum: ['strict', 'timely', 'off'] },
    source: { type: 'array', items: { type: 'string' } },
    maxConnections: { type: ['integer', 'string'] },
  })
})
