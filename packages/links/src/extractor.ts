import { defaultLimits, type Extraction, type Limits } from './extraction.ts'
import { CborLinks } from './from-cbor.ts'
import { JsonLinks } from './from-json.ts'
import { linksOfValue } from './from-value.ts'

/**
 * Finds the links of records: every string of a record that is a link as a whole, wherever it stands. All three ways give
 * the same links in the same order for the same record. No record makes it throw.
 *
 * It owns scratch memory, which grows to what the largest record needed: keep one for a thread and reuse it.
 */
export class LinkExtractor {
  #limits: Limits
  #json: JsonLinks
  #cbor: CborLinks

  /** @param limits those not given have their default */
  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...defaultLimits, ...limits }
    this.#json = new JsonLinks(this.#limits)
    this.#cbor = new CborLinks(this.#limits)
  }

  /** The links of a record as `JSON.parse` answers it. */
  fromValue(record: unknown): Extraction {
    return linksOfValue(record, this.#limits)
  }

  /** The links of a record in JSON, in UTF-8; undefined where the bytes are not JSON. Fastest with keys in order. */
  fromJson(bytes: Uint8Array): Extraction | undefined {
    return this.#json.read(bytes)
  }

  /** The links of a record in DAG-CBOR; undefined where the bytes are not, in strict form. */
  fromCbor(bytes: Uint8Array): Extraction | undefined {
    return this.#cbor.read(bytes)
  }
}
