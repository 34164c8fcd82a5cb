import type { Secret } from './secret.ts'

/** What signs a request to the store. Two empty keys: requests are not signed. */
export interface StoreCredentials {
  readonly accessKey: string
  readonly secretKey: Secret
  readonly sessionToken?: Secret
  /** When they end by our clock, milliseconds since the epoch; absent: they do not say. */
  readonly expiresMs?: number
}

/** Where credentials come from. It is asked before every request, so an answer it has at hand must be quick. */
export interface StoreCredentialsSource {
  /** @throws {GatewayError} `unavailable` there are none to be had; `cancelled` the signal aborted. */
  get(signal: AbortSignal): Promise<StoreCredentials>
  /** The store refused these (absent: what `get` gave last): the next `get` looks for newer ones. */
  expire(refused?: StoreCredentials, about?: Refusal): void
}

/** What the store does not take: the keys, which is the default, or what they may do, which newer ones seldom mend. */
export type Refusal = 'keys' | 'rights'

/** What an operator may know of credentials: never a key. Times are milliseconds since the epoch. */
export interface CredentialsStatus {
  readonly source: CredentialsSourceName
  /** When those in use were obtained; absent: never yet. */
  readonly obtainedMs?: number
  /** When those in use end; absent: they do not say. */
  readonly expiresMs?: number
  /** The last attempt that failed, also when a later one succeeded. */
  readonly lastFailure?: { readonly atMs: number; readonly reason: string }
  /** How many attempts to obtain some succeeded and failed. */
  readonly obtainedCount: number
  readonly failedCount: number
}

/** A source that tells how it stands. */
export interface ReportingCredentials extends StoreCredentialsSource {
  status(): CredentialsStatus
}

/** The closed list of kinds of sources, in the order in which a chain asks them. */
export const credentialsSourceNames = [
  'static',
  'module',
  'secret',
  'web-identity',
  'assume-role',
  'ecs',
  'ec2',
  'none',
] as const

export type CredentialsSourceName = (typeof credentialsSourceNames)[number]

export interface RetrieveRequest {
  /** The store does not take these keys: others are wanted. */
  readonly refused?: StoreCredentials
}

/** One way to come by credentials. It keeps none: it is asked only when new ones are needed. */
export interface CredentialsProvider {
  readonly source: CredentialsSourceName
  /** How long credentials that do not say when they end are used before it is asked again; absent: for ever. */
  readonly ttlMs?: number
  /** @throws {GatewayError} `unavailable` it has none; the message says what to do. */
  retrieve(request: RetrieveRequest, signal: AbortSignal): Promise<StoreCredentials>
  /** Whether what it reads has changed since `retrieve` read it. Quick, and free of waits. */
  changed?(): boolean
}

/** The same credentials for ever, as the settings named them. */
export function staticCredentials(credentials: StoreCredentials): ReportingCredentials {
  const isNone = credentials.accessKey === ''
  return {
    get: async () => credentials,
    expire() {},
    status: () => ({ source: isNone ? 'none' : 'static', obtainedCount: 1, failedCount: 0 }),
  }
}

/** The same credentials for ever, as one link of a chain. */
export function staticProvider(credentials: StoreCredentials): CredentialsProvider {
  return { source: 'static', retrieve: async () => credentials }
}

/** Whether a second try with `right` could go differently than one with `left`. */
export function sameCredentials(left: StoreCredentials, right: StoreCredentials): boolean {
  if (left === right) return true
  if (left.accessKey !== right.accessKey || !left.secretKey.equals(right.secretKey)) return false
  if (left.sessionToken === undefined || right.sessionToken === undefined)
    return left.sessionToken === right.sessionToken
  return left.sessionToken.equals(right.sessionToken)
}
