// Writes packages/cli/orrery.config.schema.json anew, after the options of a service changed:
// node packages/cli/src/suite/write-schema.ts
import { writeFileSync } from 'node:fs'
import { loadDefinitions } from './definitions.ts'
import { configSchema } from './schema.ts'

export const schemaFile = new URL('../../orrery.config.schema.json', import.meta.url)

if (import.meta.main) {
  writeFileSync(schemaFile, `${JSON.stringify(configSchema(await loadDefinitions()), undefined, 2)}\n`)
}
