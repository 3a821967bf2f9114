import { IdentityError } from '../../src/errors.ts'

/** The error that a promise rejects with, which must be ours. */
export async function errorOf(promise: Promise<unknown>): Promise<IdentityError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof IdentityError) return error
    throw error
  }
  throw new Error('expected a rejection')
}

/** Its code alone. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code
}
