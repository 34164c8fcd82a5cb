import { CachedCredentials } from './cached-credentials.ts'
import type { CredentialsProvider, StoreCredentialsSource } from './store-credentials.ts'

/** On whose behalf the store is asked. Plain data. */
export interface StoreSession {
  readonly caller: string
  /** JSON of the session's policy: what it may read at most. */
  readonly policy: string
}

export interface StoreSessionsOptions {
  /** Asks the STS for a session with this policy. */
  readonly providerOf: (policy: string) => CredentialsProvider
  readonly nowMs?: () => number
  /** Kept at the same time; default 1,000, 3 MB at most. */
  readonly sessionsMax?: number
}

/**
 * A session for each caller, obtained at its first read and again before it ends. A caller whose policy changes gets
 * another; the ones used longest ago are forgotten first.
 */
export class StoreSessions {
  readonly #options: StoreSessionsOptions
  /** A Map lists its entries in the order of insertion. */
  readonly #held = new Map<string, CachedCredentials>()

  constructor(options: StoreSessionsOptions) {
    this.#options = options
  }

  sourceOf(session: StoreSession): StoreCredentialsSource {
    const { providerOf, nowMs, sessionsMax = 1_000 } = this.#options
    const name = sessionName(session)
    const source =
      this.#held.get(name) ??
      new CachedCredentials({ provider: providerOf(session.policy), ...(nowMs && { nowMs }) })
    this.#held.delete(name)
    this.#held.set(name, source)
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= sessionsMax) break
      this.#held.delete(oldest)
    }
    return source
  }
}

/** Names a session; another policy is another session. */
export function sessionName({ caller, policy }: StoreSession): string {
  return JSON.stringify([caller, policy])
}
