import { decodeCbor, encodeCbor, valueFromJson, valueToJson } from '@orrery/repo'
import { compare, type Rate } from '../../repo/bench/harness.ts'
import { LinkExtractor, parseTarget } from '../src/index.ts'
import { sampleRecords } from './records.ts'

// From a record to its links, as the package does it and as one would write it without: parse, walk, concatenate.

interface Found {
  path: string
  target: string
}

function walk(value: unknown, path: string, found: Found[]): void {
  if (typeof value === 'string') {
    const target = parseTarget(value)?.target
    if (target !== undefined) found.push({ path, target })
  } else if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      const type = (item as { $type?: unknown } | null)?.$type
      walk(item, path + (typeof type === 'string' ? `[${type}]` : '[]'), found)
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) walk(member, `${path}.${key}`, found)
  }
}

function plainly(value: unknown): number {
  const found: Found[] = []
  walk(value, '', found)
  return found.length
}

/** Records a second: from JSON bytes, from DAG-CBOR bytes, and from values that are parsed already. */
export function benchExtract(): Record<'json' | 'cbor' | 'value', Rate[]> {
  const values = sampleRecords()
  const json = values.map(value => Buffer.from(JSON.stringify(value)))
  const cbor = values.map(value => encodeCbor(valueFromJson(value)))
  const extractor = new LinkExtractor()
  const at = <T>(list: readonly T[], i: number): T => list[i % list.length]!
  return {
    json: compare([
      { name: 'fromJson', step: i => extractor.fromJson(at(json, i)) },
      { name: 'JSON.parse, fromValue', step: i => extractor.fromValue(JSON.parse(at(json, i).toString())) },
      { name: 'JSON.parse, walk', step: i => plainly(JSON.parse(at(json, i).toString())) },
      { name: 'JSON.parse alone', step: i => JSON.parse(at(json, i).toString()) as unknown },
    ]),
    cbor: compare([
      { name: 'fromCbor', step: i => extractor.fromCbor(at(cbor, i)) },
      { name: 'decode, fromValue', step: i => extractor.fromValue(valueToJson(decodeCbor(at(cbor, i)))) },
      { name: 'decode, walk', step: i => plainly(valueToJson(decodeCbor(at(cbor, i)))) },
      { name: 'decode alone', step: i => decodeCbor(at(cbor, i)) },
    ]),
    value: compare([
      { name: 'fromValue', step: i => extractor.fromValue(at(values, i)) },
      { name: 'walk', step: i => plainly(at(values, i)) },
    ]),
  }
}

if (import.meta.main) {
  for (const [from, rates] of Object.entries(benchExtract())) {
    for (const { name, perSecond, ratio } of rates) {
      const perRecord = 1e9 / perSecond
      console.log(
        `${from.padEnd(6)} ${name.padEnd(24)} ${perRecord.toFixed(0).padStart(6)} ns a record  ×${ratio.toFixed(2)}`,
      )
    }
  }
}
