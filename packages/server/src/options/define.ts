import type { z } from 'zod'

import type { ValueMeta } from './values.ts'

/** The options of a service by their name in code (`dataDir`), each a zod schema with `.describe()`. */
export type OptionsShape = Readonly<Record<string, z.ZodType>>

/** What a service gets: every option, read-only. */
export type OptionsFrom<Shape extends OptionsShape> = { readonly [Key in keyof Shape]: z.output<Shape[Key]> }

/** The type of the options of a definition: `type JetstreamOptions = OptionsOf<typeof jetstreamOptions>`. */
export type OptionsOf<Definition> =
  Definition extends OptionsDefinition<infer Shape> ? OptionsFrom<Shape> : never

/** One option as flags, variables and documentation see it. */
export type OptionInfo = {
  key: string
  /** `--data-dir` */
  flag: string
  /** `JETSTREAM_DATA_DIR` */
  env: string
  kind: 'boolean' | 'list' | 'text'
  /** What stands for the value in help: `<duration>`, `strict|timely|off`; empty for a boolean. */
  placeholder: string
  /** The default as a person writes it; undefined when there is none. */
  defaultText: string | undefined
  required: boolean
  secret: boolean
  description: string
}

/** What documentation needs of a definition, whatever its types. */
export type OptionsDescription = {
  prefix: string
  /** One line for `--help`. */
  summary: string
  infos: readonly OptionInfo[]
}

/** All that flags, environment, types and documentation are made from. */
export type OptionsDefinition<Shape extends OptionsShape> = OptionsDescription & {
  shape: Shape
  check: ((options: OptionsFrom<Shape>) => readonly string[]) | undefined
}

/** Parts of zod's schema internals that tell what a schema is made of. */
type Def = {
  type: string
  innerType?: z.ZodType
  in?: z.ZodType
  element?: z.ZodType
  defaultValue?: unknown
  entries?: Record<string, string | number>
}

/**
 * Declares the options of a service, once. `dataDir` with the prefix `JETSTREAM` is `--data-dir` and `JETSTREAM_DATA_DIR`.
 *
 * Defaults are given as a person writes them, so that documentation shows `48h` and not `172800000`: `duration().prefault('48h')`.
 * Metadata goes last: `duration().prefault('48h').describe('…')`.
 *
 * @param definition.check problems between options (`--a needs --b`), asked once each option is sound by itself
 * @throws {TypeError} on a mistake in the definition: no description, a name that is not camel case, `.default()` on a value with a unit
 */
export function defineOptions<const Shape extends OptionsShape>(definition: {
  prefix: string
  summary?: string
  options: Shape
  check?: (options: OptionsFrom<Shape>) => readonly string[]
}): OptionsDefinition<Shape> {
  const { prefix, summary = '', options, check } = definition
  if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(prefix))
    throw new TypeError(`the prefix "${prefix}" is not upper case`)
  const infos = Object.entries(options).map(([key, schema]) => inspectOption(prefix, key, schema))
  return { prefix, summary, shape: options, infos, check }
}

function inspectOption(prefix: string, key: string, schema: z.ZodType): OptionInfo {
  if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$/.test(key))
    throw new TypeError(`the option "${key}" is not camel case`)
  const words = key.split(/(?=[A-Z])/)
  const layers = layersOf(schema)
  // The outermost says the last word: `.describe()` after `.prefault()` wins over what is inside.
  const meta: ValueMeta & { description?: string } = Object.assign(
    {},
    ...layers.map(layer => layer.meta()).toReversed(),
  )
  const defs = layers.map(defOf)
  const core = defs.at(-1)
  const kind = core?.type === 'boolean' ? 'boolean' : core?.type === 'array' ? 'list' : 'text'
  const fallback = defs.find(def => def.type === 'default' || def.type === 'prefault')

  if (!meta.description) throw new TypeError(`the option "${key}" has no .describe()`)
  if (fallback?.type === 'default' && defs.some(def => def.type === 'pipe')) {
    throw new TypeError(
      `the option "${key}" has a .default(); give it a .prefault(), written as a person writes it`,
    )
  }
  if (fallback?.type === 'prefault' && kind === 'boolean') {
    throw new TypeError(`the option "${key}" is a boolean; give it a .default()`)
  }
  return {
    key,
    flag: `--${words.join('-').toLowerCase()}`,
    env: `${prefix}_${words.join('_').toUpperCase()}`,
    kind,
    placeholder: placeholderOf(kind, meta, core),
    defaultText: meta.defaultText ?? (fallback && textOf(fallback.defaultValue)),
    required: !fallback && !defs.some(def => def.type === 'optional'),
    secret: meta.secret === true || metaOfElement(core).secret === true,
    description: meta.description,
  }
}

/** A schema and what it wraps, from the outside in: default → pipe → string. */
function layersOf(schema: z.ZodType): z.ZodType[] {
  const layers: z.ZodType[] = []
  for (let layer: z.ZodType | undefined = schema; layer; layer = defOf(layer).innerType ?? defOf(layer).in)
    layers.push(layer)
  return layers
}

function defOf(schema: z.ZodType): Def {
  return schema.def
}

/** Metadata of what an array is of, when this is an array. */
function metaOfElement(core: Def | undefined): ValueMeta {
  if (!core?.element) return {}
  return Object.assign(
    {},
    ...layersOf(core.element)
      .map(layer => layer.meta())
      .toReversed(),
  ) as ValueMeta
}

function placeholderOf(kind: OptionInfo['kind'], meta: ValueMeta, core: Def | undefined): string {
  if (kind === 'boolean') return ''
  if (meta.placeholder) return meta.placeholder
  if (core?.entries) return Object.values(core.entries).join('|')
  return metaOfElement(core).placeholder ?? '<text>'
}

function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(',')
  return String(value)
}
