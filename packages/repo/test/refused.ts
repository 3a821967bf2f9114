import { RepoError, type RepoErrorCode } from '../src/index.ts'

/** The code that `act` is refused with, or `undefined` where it is not. Any error but RepoError goes through. */
export function refusal(act: () => unknown): RepoErrorCode | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof RepoError) return error.code
    throw error
  }
}

/** As `refusal`, for what is asynchronous. */
export async function refusalOf(act: () => Promise<unknown>): Promise<RepoErrorCode | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    if (error instanceof RepoError) return error.code
    throw error
  }
}

/** Bytes from hex, which may have spaces. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
}
