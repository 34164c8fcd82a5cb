import type { StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { refusalOfCredentials } from '../objects/s3-refusals.ts'

/**
 * The store as one session reads it. A store answers alike for what is gone and what may not be read to whoever may not
 * list, so a refusal is asked about with the store's own credentials: one byte, which nobody is given.
 *
 * @throws {GatewayError} as ObjectStore's `read`.
 */
export function sessionStore(store: ObjectStore, credentials: StoreCredentialsSource): ObjectStore {
  return {
    ...store,
    async read(request, signal) {
      try {
        return await store.read({ ...request, credentials }, signal)
      } catch (error) {
        if (error instanceof GatewayError && refusalOfCredentials(error) === 'rights') {
          const { object, range } = request
          const first = { start: range.start, end: range.start + 1 }
          await store.read({ object, range: first, fresh: true }, signal)
        }
        throw error
      }
    },
  }
}
