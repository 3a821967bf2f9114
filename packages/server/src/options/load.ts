import type { z } from 'zod'

import type {
  OptionInfo,
  OptionsDefinition,
  OptionsDescription,
  OptionsFrom,
  OptionsShape,
} from './define.ts'
import { helpText } from './docs.ts'
import { nearest, OptionsError } from './errors.ts'

/** Where options come from; a service passes `process.argv.slice(2)` and `process.env`. */
export type OptionsInput = {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
}

/** The options, or the help text that was asked for. */
export type LoadedOptions<Options> = { options: Options } | { help: string }

/** What was given for one option: raw text by its kind, and where it stood. */
type Given = { source: string; raw: string | boolean | string[] }

/**
 * Reads the options of a service from its flags and environment. A flag wins over a variable; an empty variable counts as not
 * given. `--name value` and `--name=value`, `--flag` and `--no-flag`; a list's flag repeats, its variable separates by commas. The
 * result is frozen through and through. `--help` and `-h` win over everything else.
 *
 * @throws {OptionsError} with all problems at once: unknown flags, unknown variables with the prefix, missing, repeated or bad values
 */
export function loadOptions<Shape extends OptionsShape>(
  definition: OptionsDefinition<Shape>,
  { argv, env }: OptionsInput,
): LoadedOptions<OptionsFrom<Shape>> {
  if (argv.includes('--help') || argv.includes('-h')) return { help: helpText(definition) }
  const problems: string[] = []
  const given = new Map([...readEnv(definition, env, problems), ...readFlags(definition, argv, problems)])

  const options: Record<string, unknown> = {}
  for (const info of definition.infos) {
    const schema = definition.shape[info.key]
    if (schema) options[info.key] = deepFreeze(parse(info, schema, given.get(info.key), problems))
  }
  const sound = Object.freeze(options) as OptionsFrom<Shape>
  // What belongs together can only be judged once each part is sound.
  if (problems.length === 0) problems.push(...(definition.check?.(sound) ?? []))
  if (problems.length > 0) throw new OptionsError(problems)
  return { options: sound }
}

function* readEnv(
  definition: OptionsDescription,
  env: OptionsInput['env'],
  problems: string[],
): Generator<[string, Given]> {
  const known = new Map(definition.infos.map(info => [info.env, info]))
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(`${definition.prefix}_`)) continue
    const info = known.get(name)
    if (!info) {
      problems.push(`${name} is not an option${suggestion(name, [...known.keys()])}`)
    } else if (text) {
      yield [info.key, { source: name, raw: rawOf(info, text) }]
    }
  }
}

function rawOf(info: OptionInfo, text: string): Given['raw'] {
  if (info.kind === 'boolean') return booleans[text.toLowerCase()] ?? text
  if (info.kind === 'list')
    return text
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '')
  return text
}

const booleans: Record<string, boolean> = { true: true, 1: true, false: false, 0: false }

function readFlags(
  definition: OptionsDescription,
  argv: readonly string[],
  problems: string[],
): Map<string, Given> {
  const known = new Map(definition.infos.map(info => [info.flag, info]))
  const negated = new Map(
    definition.infos
      .filter(info => info.kind === 'boolean')
      .map(info => [`--no-${info.flag.slice(2)}`, info]),
  )
  const given = new Map<string, Given>()
  const waiting = [...argv]
  for (let argument = waiting.shift(); argument !== undefined; argument = waiting.shift()) {
    const [, flag, inline] = /^(--[^=]+)(?:=(.*))?$/s.exec(argument) ?? []
    if (flag === undefined) {
      problems.push(`"${argument}" is not an option; options start with --`)
      continue
    }
    const info = known.get(flag) ?? negated.get(flag)
    if (!info) {
      problems.push(`${flag} is not an option${suggestion(flag, [...known.keys(), ...negated.keys()])}`)
      // Its value, if one follows, belongs to it and is no problem of its own.
      if (inline === undefined && waiting[0]?.startsWith('--') === false) waiting.shift()
      continue
    }
    const raw = readValue(info, flag, inline, waiting)
    const before = given.get(info.key)
    if (raw === undefined) problems.push(`${flag} needs a value: ${flag} ${info.placeholder}`)
    else if (info.kind === 'list')
      given.set(info.key, { source: flag, raw: [...((before?.raw as string[]) ?? []), String(raw)] })
    else if (before) problems.push(`${flag} is given more than once`)
    else given.set(info.key, { source: flag, raw })
  }
  return given
}

/** The value of one flag; takes the next argument off `waiting` where the value stands there. */
function readValue(
  info: OptionInfo,
  flag: string,
  inline: string | undefined,
  waiting: string[],
): string | boolean | undefined {
  if (info.kind === 'boolean') {
    const negate = flag !== info.flag
    if (inline === undefined) return !negate
    // `--no-merge=false` is a riddle, not a value.
    return negate ? inline : (booleans[inline.toLowerCase()] ?? inline)
  }
  if (inline !== undefined) return inline
  return waiting[0]?.startsWith('--') === false ? waiting.shift() : undefined
}

function parse(info: OptionInfo, schema: z.ZodType, given: Given | undefined, problems: string[]): unknown {
  if (!given && info.required) {
    problems.push(`${info.flag} (or ${info.env}) is required: ${info.description}`)
    return undefined
  }
  const result = schema.safeParse(given?.raw)
  if (result.success) return result.data
  const { source = info.flag, raw } = given ?? {}
  for (const issue of result.error.issues) {
    const [index] = issue.path
    const part = Array.isArray(raw) && typeof index === 'number' ? raw[index] : raw
    const shown = info.secret || part === undefined ? '' : `; got "${String(part)}"`
    problems.push(`${source}: ${expectation(info, issue)}${shown}`)
  }
  return undefined
}

function expectation(info: OptionInfo, issue: z.core.$ZodIssue): string {
  if (info.kind === 'boolean') return 'expected true, false, 1 or 0'
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`
  return issue.message
}

function suggestion(unknown: string, known: readonly string[]): string {
  const name = nearest(unknown, known)
  return name === undefined ? '' : `; did you mean ${name}?`
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
