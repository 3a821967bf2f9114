import type {
  OptionInfo,
  OptionsDefinition,
  OptionsDescription,
  OptionsFrom,
  OptionsShape,
} from './define.ts'

/** What `--help` prints: every option with its value, what it does, its default and its variable. */
export function helpText(definition: OptionsDescription): string {
  const entries = definition.infos.map(info => ({
    usage: usageOf(info),
    text: `${info.description} ${remark(info)}`,
  }))
  const width = Math.min(34, Math.max(6, ...entries.map(({ usage }) => usage.length)))
  const indent = ' '.repeat(width + 4)
  const lines = [...entries, { usage: '--help', text: 'Prints this.' }].map(({ usage, text }) => {
    const wrapped = wrap(text.trim(), 76).join(`\n${indent}`)
    return usage.length > width ? `  ${usage}\n${indent}${wrapped}` : `  ${usage.padEnd(width)}  ${wrapped}`
  })
  const summary = definition.summary === '' ? '' : `${definition.summary}\n\n`
  return `${summary}Options; each is also an environment variable, ${definition.prefix}_ and its name in capitals:\n\n${lines.join('\n')}\n`
}

/** The Markdown table of options for a README, to stand between `<!-- options -->` and `<!-- /options -->`. */
export function optionsTable(definition: OptionsDescription): string {
  const rows = definition.infos.map(info => {
    const fallback =
      info.defaultText === undefined
        ? info.required
          ? '*required*'
          : '–'
        : codeUnlessProse(info.defaultText)
    return `| \`${cell(usageOf(info))}\` | \`${info.env}\` | ${fallback} | ${cell(info.description)} |`
  })
  return ['| flag | variable | default | what it does |', '|---|---|---|---|', ...rows].join('\n')
}

/**
 * Options as they may be logged: secrets hidden, and user and password taken out of addresses.
 */
export function printableOptions<Shape extends OptionsShape>(
  definition: OptionsDefinition<Shape>,
  options: OptionsFrom<Shape>,
): Record<string, unknown> {
  return Object.fromEntries(
    definition.infos.map(info => [info.key, info.secret ? '[secret]' : printable(options[info.key])]),
  )
}

/**
 * Puts generated text into a document, between `<!-- name -->` and `<!-- /name -->`, in place of what stands there.
 *
 * @throws {Error} when the document lacks one of the markers
 */
export function embed(markdown: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = markdown.indexOf(open)
  const end = markdown.indexOf(close, start)
  if (start < 0 || end < 0) throw new Error(`the document has no ${open} … ${close}`)
  return `${markdown.slice(0, start + open.length)}\n\n${text}\n\n${markdown.slice(end)}`
}

/** Takes user and password out of an address; other text is handed back as it is. */
export function hideCredentials(text: string): string {
  return text.replace(/^([a-z]+:\/\/)[^/@?#]*@/i, '$1[secret]@')
}

function usageOf(info: OptionInfo): string {
  if (info.kind === 'boolean') return info.defaultText === 'true' ? `--[no-]${info.flag.slice(2)}` : info.flag
  return `${info.flag} ${info.placeholder}`
}

function remark(info: OptionInfo): string {
  const parts = [
    info.kind === 'list' ? 'repeatable' : '',
    info.required ? 'required' : '',
    info.defaultText === undefined ? '' : `default ${info.defaultText}`,
  ].filter(part => part !== '')
  return parts.length === 0 ? '' : `(${parts.join(', ')})`
}

function printable(value: unknown): unknown {
  if (typeof value === 'string') return hideCredentials(value)
  if (Array.isArray(value)) return value.map(printable)
  return value
}

/** A default is shown as code when it can be typed as it stands, as words when it explains itself. */
function codeUnlessProse(text: string): string {
  return text.includes(' ') ? cell(text) : `\`${cell(text)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
