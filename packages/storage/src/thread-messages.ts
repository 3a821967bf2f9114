import type { Transferable } from 'node:worker_threads'

import { StorageError } from './errors.ts'
import type { StorageErrorCode } from './errors.ts'

/** What the owner sends to a thread. A call is answered once, in order. */
export type Request = { kind: 'call'; id: number; method: string; args: unknown[] } | { kind: 'dispose' }

/** What a thread sends to its owner. `ready` or `refused` comes first and once, `disposed` last. */
export type Response =
  | { kind: 'ready' }
  | { kind: 'refused'; error: WireError }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'error'; id: number; error: WireError }
  | { kind: 'disposed'; error?: WireError }

/**
 * An error as plain data. The structured clone of an Error drops `code`, other fields and unknown names, so it does not do.
 */
export type WireError = {
  name: string
  message: string
  stack: string | undefined
  fields: Record<string, unknown>
  cause: WireError | undefined
}

/** A value together with the buffers in it that move to the other thread instead of being copied. */
export class Transferring<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/**
 * Marks the result of a thread's method: `transfer` lists the ArrayBuffers and ports inside `value` that are moved, not
 * copied. They are unusable in the thread afterwards. A view on a part of a larger buffer (a small `Buffer.from`) must be
 * copied first: moving takes the whole buffer.
 */
export function transferring<T>(value: T, transfer: readonly Transferable[]): Transferring<T> {
  return new Transferring(value, transfer)
}

/** Takes an error apart for the way across. Of its own fields those are kept that are plain values. */
export function toWireError(error: unknown, depth = 0): WireError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, fields: {}, cause: undefined }
  }
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key !== 'name' && key !== 'cause' && isPlain(value)) fields[key] = value
  }
  const { name, message, stack, cause } = error
  // A chain of causes that loops would never end.
  return {
    name,
    message,
    stack,
    fields,
    cause: cause === undefined || depth > 8 ? undefined : toWireError(cause, depth + 1),
  }
}

/** Puts an error together again: same name, message, stack, code and fields. A {@link StorageError} is one again. */
export function fromWireError(wire: WireError): Error {
  const cause = wire.cause && fromWireError(wire.cause)
  const options = cause ? { cause } : {}
  const isStorageError = wire.name === 'StorageError'
  const error = isStorageError
    ? new StorageError(wire.fields['code'] as StorageErrorCode, wire.message, options)
    : new Error(wire.message, options)
  Object.assign(error, wire.fields)
  if (!isStorageError)
    Object.defineProperty(error, 'name', { value: wire.name, configurable: true, writable: true })
  if (wire.stack !== undefined) error.stack = wire.stack
  return error
}

function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean', 'bigint', 'undefined'].includes(typeof value)
}
