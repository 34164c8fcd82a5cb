import { sameCredentials } from '../credentials/store-credentials.ts'
import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { refusalOfCredentials } from './s3-refusals.ts'

/**
 * Sends with the credentials of now; when they are refused, once more with newer ones if there are any.
 *
 * @throws {GatewayError} what the source or `send` throws.
 */
export async function signedAttempts<T>(
  source: StoreCredentialsSource,
  send: (granted: StoreCredentials) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const first = await source.get(signal)
  try {
    return await send(first)
  } catch (error) {
    const about = refusalOfCredentials(error)
    if (about === undefined) throw error
    source.expire(first, about)
    const second = await source.get(signal)
    if (sameCredentials(first, second)) throw error
    return send(second)
  }
}
