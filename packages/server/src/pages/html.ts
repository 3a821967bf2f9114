/** Markup that needs no escaping any more. Only `html` and `markup` make it. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** What may stand in a template: text is escaped, markup is not, a list is joined, what is absent is left out. */
export type Content = Html | string | number | false | null | undefined | readonly Content[]

/**
 * Makes markup of a template. Every value is escaped for text and for attributes in quotes, so attributes must have quotes;
 * no value may stand inside `<script>` or `<style>`, or be a whole address that others chose (see `isWebAddress`).
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  let text = strings[0]!
  for (let i = 0; i < values.length; i++) text += render(values[i]) + strings[i + 1]!
  return new Html(text)
}

/** Takes text for markup as it is. For constants of ours only. */
export function markup(text: string): Html {
  return new Html(text)
}

/** The text with all that means something in markup written as references. */
export function escapeHtml(text: string): string {
  return /[&<>"'`]/.test(text) ? text.replaceAll(/[&<>"'`]/g, char => references[char]!) : text
}

/** Whether an address may be a link on a page: only the web's own schemes, never `javascript:` or `data:`. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^/?#]/i.test(text)
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

function render(value: Content): string {
  if (value instanceof Html) return value.text
  if (value === undefined || value === null || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return value.map(render).join('')
}
