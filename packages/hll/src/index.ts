export { SketchError } from './bytes.ts'
export { createHasher, createSecret, hash64, type Hasher, secretBytes } from './hash.ts'
export { rankOf, registerOf } from './registers.ts'
export { exactLimit, Sketch } from './sketch.ts'
