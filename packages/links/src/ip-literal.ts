/**
 * A host in brackets in its one form: IPv6 as RFC 5952 writes it, addresses of later versions in lower case. Undefined
 * where it is neither; zones (`%25eth0`) are not part of RFC 3986.
 *
 * @param literal what stands between the brackets
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
 */
export function normaliseIpLiteral(literal: string): string | undefined {
  if (/^v[0-9A-F]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+$/i.test(literal)) return literal.toLowerCase()
  const groups = parseIpv6(literal)
  return groups && formatIpv6(groups)
}

/** The eight groups of 16 bits. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [front, back] = halves.map((half, i) => parseGroups(half, i === halves.length - 1))
  if (!front || (halves.length === 2 && !back)) return undefined
  if (!back) return front.length === 8 ? front : undefined
  const zeros = 8 - front.length - back.length
  return zeros > 0 ? [...front, ...Array.from({ length: zeros }, () => 0), ...back] : undefined
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else {
      const bytes = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined
      if (!bytes) return undefined
      groups.push((bytes[0]! << 8) | bytes[1]!, (bytes[2]! << 8) | bytes[3]!)
    }
  }
  return groups
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every(byte => byte <= 255) ? bytes : undefined
}

/** @see https://www.rfc-editor.org/rfc/rfc5952#section-4 */
function formatIpv6(groups: readonly number[]): string {
  const isMappedIpv4 = groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)
  if (isMappedIpv4) {
    const bytes = groups.slice(6).flatMap(group => [group >>> 8, group & 255])
    return `::ffff:${bytes.join('.')}`
  }
  let start = 0
  let length = 0
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    // Of runs of the same length the first is left out, and a single group never is.
    if (run > length && run > 1) [start, length] = [i, run]
  }
  const hex = groups.map(group => group.toString(16))
  if (length === 0) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}
