import * as fc from 'fast-check'

// JSON as others may write it: members in any order and twice, white space, escapes, numbers of all forms.

type Writer = fc.Arbitrary<string>

const space: Writer = fc.constantFrom('', '', '', '', ' ', '\n', '\t', '\r\n ')
const numbers: Writer = fc.oneof(
  fc.constantFrom('0', '-0', '1.5', '1e3', '-1.25E-7', '0.0e+0', '12345678901234567890'),
  fc.constantFrom('01', '1.', '.5', '-', '1e', '+1', '0x1', 'NaN', '1.e3', '--1'),
)
const words: Writer = fc.constantFrom('true', 'false', 'null', 'tru', 'nulls', 'True')

/** A string in quotes, some of its characters escaped that need not be, and some left bare that must not. */
function quoted(text: fc.Arbitrary<string>): Writer {
  return fc
    .tuple(text, fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 8 }))
    .map(([plain, choices]) => {
      const chars = Array.from({ length: plain.length }, (_, i) => plain[i]!)
      return `"${chars.map((char, i) => written(char, choices[i % choices.length]!)).join('')}"`
    })
}

function written(char: string, choice: number): string {
  if (choice === 0) return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  if (choice === 1 && char === '/') return '\\/'
  if (choice === 2 && char < ' ') return char
  return JSON.stringify(char).slice(1, -1)
}

/** JSON text, most of it valid, made of these strings and keys. */
export function jsonText(texts: fc.Arbitrary<string>, keys: fc.Arbitrary<string>): Writer {
  const { value } = fc.letrec<{ value: string }>(tie => ({
    value: fc
      .tuple(
        space,
        fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          { weight: 6, arbitrary: quoted(texts) },
          { weight: 1, arbitrary: numbers },
          { weight: 1, arbitrary: words },
          {
            weight: 4,
            arbitrary: list(
              fc.tuple(quoted(keys), space, tie('value')).map(parts => parts.join(':')),
              '{}',
            ),
          },
          { weight: 3, arbitrary: list(tie('value'), '[]') },
        ),
        space,
      )
      .map(parts => parts.join('')),
  }))
  return value
}

function list(items: Writer, brackets: string): Writer {
  return fc
    .tuple(
      fc.array(items, { maxLength: 5 }),
      fc.nat({ max: 15 }).map(choice => (choice === 0 ? ';' : ',')),
      fc.boolean(),
      fc.nat({ max: 40 }),
    )
    .map(([texts, separator, inOrder, trailing]) => {
      const body = (inOrder ? texts.toSorted() : texts).join(separator)
      return `${brackets[0]}${body}${trailing === 0 ? ',' : ''}${trailing === 1 ? '' : brackets[1]}`
    })
}
