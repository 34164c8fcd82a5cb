import type { Secret } from './secret.ts'

/** What signs a request to the store. Two empty keys: requests are not signed. */
export interface StoreCredentials {
  readonly accessKey: string
  readonly secretKey: Secret
  readonly sessionToken?: Secret
  /** When they end, milliseconds since the epoch; absent: they do not say. */
  readonly expiresMs?: number
}

/** Where credentials come from. It is asked before every request, so an answer it has at hand must be quick. */
export interface StoreCredentialsSource {
  /** @throws {GatewayError} `unavailable` there are none to be had; `cancelled` the signal aborted. */
  get(signal: AbortSignal): Promise<StoreCredentials>
  /** The store refused what `get` gave: the next `get` looks for newer ones. */
  expire(): void
}

/** The same credentials for ever, as the settings named them. */
export function staticCredentials(credentials: StoreCredentials): StoreCredentialsSource {
  return { get: async () => credentials, expire() {} }
}

/** Whether a second try with `right` could go differently than one with `left`. */
export function sameCredentials(left: StoreCredentials, right: StoreCredentials): boolean {
  if (left === right) return true
  if (left.accessKey !== right.accessKey || !left.secretKey.equals(right.secretKey)) return false
  if (left.sessionToken === undefined || right.sessionToken === undefined)
    return left.sessionToken === right.sessionToken
  return left.sessionToken.equals(right.sessionToken)
}
