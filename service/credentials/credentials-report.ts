import type { CredentialsSourceName, CredentialsStatus } from './store-credentials.ts'

/** How the store's credentials stand, for probes and people: no key, no token. */
export interface CredentialsReport {
  readonly source: CredentialsSourceName
  /** Since those in use were obtained; absent: never yet. */
  readonly ageSeconds?: number
  /** Until they end; absent: they do not say. */
  readonly expiresInSeconds?: number
  readonly lastFailure?: { readonly secondsAgo: number; readonly reason: string }
}

/** The status as seen at this time. */
export function credentialsReport(status: CredentialsStatus, nowMs: number): CredentialsReport {
  const { source, obtainedMs, expiresMs, lastFailure } = status
  const secondsFrom = (ms: number): number => Math.round((nowMs - ms) / 1_000)
  return {
    source,
    ...(obtainedMs !== undefined && { ageSeconds: secondsFrom(obtainedMs) }),
    ...(expiresMs !== undefined && { expiresInSeconds: 0 - secondsFrom(expiresMs) }),
    ...(lastFailure && {
      lastFailure: { secondsAgo: secondsFrom(lastFailure.atMs), reason: lastFailure.reason },
    }),
  }
}
