import type { Content, Html } from './html.ts'
import { html } from './html.ts'

/** One parameter as a form asks for it. */
export type Field = {
  name: string
  label: string
  hint?: string | undefined
  placeholder?: string | undefined
  required?: boolean | undefined
  /** As wide as the form. */
  wide?: boolean | undefined
} & (
  | { kind: 'text' | 'check'; value?: string | undefined }
  | { kind: 'number'; value?: string | undefined; min: number; max: number }
  | { kind: 'list'; values: readonly string[] }
)

/** A form that asks a path of this server with GET: works without scripts, and its answer can be linked to. */
export function form(action: string, fields: readonly Field[], submit: string): Html {
  return html`<form action="${action}" method="get">
    <div class="fields">${fields.map(field)}</div>
    <button>${submit}</button>
  </form>`
}

/** A button that asks a path with parameters that are not shown; without parameters it is disabled. */
export function buttonForm(
  action: string,
  params: readonly (readonly [name: string, value: string])[] | undefined,
  label: Content,
): Html {
  if (!params) return html`<form><button disabled>${label}</button></form>`
  return html`<form action="${action}" method="get">
    ${params.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}<button>
      ${label}
    </button>
  </form>`
}

function field(of: Field): Html {
  const { name, label, hint, placeholder = '', required = false, wide = false } = of
  const title = html`${label}${hint && html` <small>${hint}</small>`}`
  const size = wide ? 'wide' : 'narrow'
  if (of.kind === 'check') {
    const checked = of.value === 'true' && html` checked`
    return html`<label class="check"
      ><input type="checkbox" name="${name}" value="true" ${checked} />${title}</label
    >`
  }
  if (of.kind === 'list') {
    const inputs = [...of.values, ''].map(
      value =>
        html`<input
          name="${name}"
          value="${value}"
          placeholder="${placeholder}"
          aria-label="${label}"
          autocomplete="off"
          spellcheck="false"
        />`,
    )
    return html`<div class="${size}">
      <span class="label">${title}</span>
      <div class="many">${inputs}</div>
    </div>`
  }
  const type = of.kind === 'number' ? html`type="number" min="${of.min}" max="${of.max}"` : html`type="text"`
  return html`<label class="${size}"
    >${title}<input
      ${type}
      name="${name}"
      value="${of.value ?? ''}"
      placeholder="${placeholder}"
      ${required && html` required`}
      autocomplete="off"
      spellcheck="false"
  /></label>`
}
