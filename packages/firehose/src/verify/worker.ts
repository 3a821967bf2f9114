import { serveThread, transferring } from '@orrery/storage'
import type { VerifyRequest } from './verdict.ts'
import { createVerifier } from './verifier.ts'

const verifier = createVerifier()

serveThread(() => ({
  verify(request: VerifyRequest) {
    const response = verifier.verify(request)
    return transferring(response, [response.json.buffer])
  },
}))
