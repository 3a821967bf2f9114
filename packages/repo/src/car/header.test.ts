import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cids } from '../../test/arbitraries.ts'
import { refusal } from '../../test/refused.ts'
import { runs } from '../../test/runs.ts'
import { type CborValue, decodeCbor } from '../cbor/decode.ts'
import { encodeCbor } from '../cbor/encode.ts'
import { Cid, codecs } from '../cid.ts'
import { readCarHeader } from './header.ts'

/** The roots of a header by way of its value, or undefined where it is none. */
function slowly(bytes: Uint8Array): string[] | undefined {
  let header: CborValue
  if (refusal(() => (header = decodeCbor(bytes)))) return undefined
  const { roots, version } = header! as { roots?: CborValue; version?: CborValue }
  if (version !== 1 || !Array.isArray(roots) || roots.length === 0) return undefined
  return roots.every(root => root instanceof Cid) ? roots.map(String) : undefined
}

function read(bytes: Uint8Array): string[] | undefined {
  let roots: Cid[] = []
  // In the middle of others, which are none of its business.
  const all = Buffer.concat([Buffer.alloc(7, 0xff), bytes, Buffer.alloc(7, 0xff)])
  const code = refusal(() => (roots = readCarHeader(all, 7, 7 + bytes.length)))
  return code ? undefined : roots.map(String)
}

describe('the header of a CAR', () => {
  it('with one root, as everybody writes it, is read as any other is, and so is what is nearly that', () => {
    fc.assert(
      fc.property(cids, fc.nat(100), fc.nat(255), (cid, at, byte) => {
        const bytes = encodeCbor({ roots: [cid], version: 1 })
        expect(read(bytes)).toEqual([cid.toString()])
        const nearly = bytes.with(at % bytes.length, byte)
        expect(read(nearly)).toEqual(slowly(nearly))
      }),
      runs(3000),
    )
  })

  it('may have more roots, and fields that nobody looks at', () => {
    const roots = fc.array(cids, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(roots, fc.boolean(), (list, more) => {
        const bytes = encodeCbor({ roots: list, version: 1, ...(more && { zoo: [{ a: 1 }] }) })
        expect(read(bytes)).toEqual(list.map(String))
      }),
    )
  })

  it('is refused cut anywhere', () => {
    const bytes = encodeCbor({
      roots: [new Cid(Uint8Array.of(1, codecs.dagCbor, 0x12, 32, ...Buffer.alloc(32)))],
      version: 1,
    })
    for (let end = 0; end < bytes.length; end++) {
      expect(refusal(() => readCarHeader(bytes, 0, end))).toBe('car_bad_header')
    }
  })
})
