import type { OptionInfo } from '@orrery/server'
import { type Definitions, keepSpans, sharedOptions } from './config.ts'

type Json = Record<string, unknown>

/** The JSON Schema of `orrery.config.json`, for editors: made from the options that the services declare. */
export function configSchema(definitions: Definitions): Json {
  const names = [...definitions.keys()]
  const listOfNames = (description: string): Json => ({
    description,
    type: 'array',
    items: { enum: names },
    uniqueItems: true,
  })
  const services = names.map(name => {
    const { summary, infos } = definitions.get(name)!
    return [name, optionsSchema(summary, infos)] as const
  })
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The settings of an Orrery',
    ...closed({
      $schema: { type: 'string' },
      dataDir: {
        description: 'The folder of all data; each service has one of its own in it.',
        type: 'string',
      },
      small: {
        description: 'For a machine of 4 GB: less memory, fewer subscribers, a shorter replay.',
        type: 'boolean',
      },
      only: listOfNames('Runs these services only.'),
      without: listOfNames('Leaves these services out.'),
      backup: backupSchema,
      all: optionsSchema('Options for every service.', sharedOptions(definitions)),
      ...Object.fromEntries(services),
    }),
  }
}

const backupSchema: Json = {
  description: 'A backup that `orrery up` makes by itself.',
  ...closed({
    to: { description: 'A folder, or s3://bucket/prefix.', type: 'string' },
    endpoint: { description: 'Of an S3 that is not Amazon’s, https://host.', type: 'string' },
    every: {
      description: 'From the end of one to the beginning of the next.',
      type: 'string',
      pattern: '^[0-9]+(m|h|d)$',
      default: '24h',
    },
    keep: {
      description: 'How many to keep.',
      ...closed(Object.fromEntries(keepSpans.map(span => [span, { type: 'integer', minimum: 0 }]))),
    },
  }),
  required: ['to'],
}

function optionsSchema(description: string, infos: readonly OptionInfo[]): Json {
  return { description, ...closed(Object.fromEntries(infos.map(info => [info.key, optionSchema(info)]))) }
}

function optionSchema({ kind, placeholder, defaultText, description }: OptionInfo): Json {
  const fallback = defaultText === undefined ? '' : ` Default: ${defaultText}.`
  const base = { description: description + fallback }
  if (kind === 'boolean') return { ...base, type: 'boolean' }
  if (kind === 'list') return { ...base, type: 'array', items: { type: 'string' } }
  const choices = placeholder.split('|')
  if (choices.length > 1 && !placeholder.includes('<')) return { ...base, enum: choices }
  return { ...base, type: placeholder === '<n>' ? ['integer', 'string'] : 'string' }
}

function closed(properties: Json): Json {
  return { type: 'object', properties, additionalProperties: false }
}
