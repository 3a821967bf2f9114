/** What a query asks for: names of metrics, or patterns of them, each with its conditions on labels. */
export interface Asked {
  name: string | RegExp
  labels: { name: string; operator: string; value: string }[]
}

/** What is no metric though it looks like one. */
const words = new Set(
  'and or unless by without on ignoring group_left group_right bool offset inf nan start end'.split(' '),
)

/** The selectors of a PromQL expression, as far as dashboards and rules go. Variables of Grafana stand for any text. */
export function selectorsOf(expression: string): Asked[] {
  // Ranges, and lists of labels, name no metrics; numbers may hold letters.
  const bare = expression
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  const found = Array.from(bare.matchAll(/([a-zA-Z_:][\w:]*)?\{([^}]*)\}/g), ([, name, conditions]) =>
    read(name, conditions!),
  )
  // What is left are names without conditions, functions, and numbers.
  const rest = bare.replaceAll(/([a-zA-Z_:][\w:]*)?\{[^}]*\}/g, ' ').replaceAll(/\b\d[\w.]*/g, ' ')
  for (const [, name] of rest.matchAll(/([a-zA-Z_:][\w:]*)\b(?!\s*\()/g)) {
    if (!words.has(name!.toLowerCase())) found.push({ name: name!, labels: [] })
  }
  return found
}

function read(name: string | undefined, selector: string): Asked {
  const labels = Array.from(
    selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g),
    ([, label, operator, value]) => ({
      name: label!,
      operator: operator!,
      value: value!,
    }),
  )
  const own = labels.find(label => label.name === '__name__' && !label.operator.startsWith('!'))
  if (name === undefined && !own) throw new Error(`${selector} has no name`)
  const asked = name ?? (own!.operator === '=~' ? new RegExp(`^(?:${own!.value})$`) : own!.value)
  return { name: asked, labels: labels.filter(label => label.name !== '__name__') }
}
