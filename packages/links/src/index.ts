// What is not here stays inside: the readers behind `LinkExtractor`, and the steps of normalisation.
export { type AtUriParts, atUriParts, maxAtUriLength } from './at-uri.ts'
export { isDid, maxDidLength } from './did.ts'
export { defaultLimits, type Extraction, type Limits, type Link } from './extraction.ts'
export { LinkExtractor } from './extractor.ts'
export { formatSource, type Source, tryParseSource } from './source.ts'
export { accountOf, didOf, type LinkKind, normaliseTarget, parseTarget, type Target } from './target.ts'
