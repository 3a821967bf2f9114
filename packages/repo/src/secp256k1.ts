/**
 * The curve that nearly all of the network signs with. OpenSSL, behind `node:crypto`, has no fast code for it; Bitcoin's
 * libsecp256k1 has. Checks a second of one core, with the hash of 600 bytes: node:crypto 2,500, libsecp256k1 as
 * WebAssembly 5,700, as native code 16,100.
 */
export interface Secp256k1 {
  readonly name: 'native' | 'wasm'
  /**
   * The 65 bytes of a point of 33, so that the root that this takes is not taken at each check.
   *
   * @throws Error where it is not on the curve
   */
  expandPoint(point: Uint8Array): Uint8Array
  /** Whether a signature of 64 bytes, R and S, is over this hash and by this point of 65; false also where S is not low. */
  verify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean
}

/** What the package `secp256k1` has in its binding; its own choice falls back on JavaScript, which is slower than all. */
interface Binding {
  publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array
  ecdsaVerify(signature: Uint8Array, hash: Uint8Array, point: Uint8Array): boolean
}

/** Native code, where the package brings it: Linux and Windows on x64, macOS on arm64. Undefined elsewhere. */
export async function loadNative(): Promise<Secp256k1 | undefined> {
  let binding: Binding
  try {
    // The package has no types for this file.
    const name: string = 'secp256k1/bindings.js'
    binding = ((await import(name)) as { default: Binding }).default
  } catch {
    return undefined
  }
  return {
    name: 'native',
    expandPoint: point => binding.publicKeyConvert(point, false),
    verify(signature, hash, point) {
      try {
        return binding.ecdsaVerify(signature, hash, point)
      } catch {
        // R or S is not below the group's order.
        return false
      }
    },
  }
}

/** The same code as WebAssembly, for every machine. */
export async function loadWasm(): Promise<Secp256k1> {
  // This module alone: all of the library would be 40 MB for each thread.
  const { instantiateSecp256k1 } = await import('@bitauth/libauth/build/lib/crypto/secp256k1.js')
  const wasm = await instantiateSecp256k1()
  return {
    name: 'wasm',
    expandPoint(point) {
      const expanded = wasm.uncompressPublicKey(point)
      if (typeof expanded === 'string') throw new Error(expanded)
      return expanded
    },
    verify: (signature, hash, point) => wasm.verifySignatureCompactLowS(signature, point, hash),
  }
}

/** The fastest that this machine has. */
export const secp256k1: Secp256k1 = (await loadNative()) ?? (await loadWasm())
