import { Secret } from '../credentials/secret.ts'
import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { unlessAborted } from '../credentials/unless-aborted.ts'
import { GatewayError } from '../errors.ts'

/** Credentials on their way to a worker of our own process: the one place where they are plain text. */
export interface PlainCredentials {
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken?: string
  readonly expiresMs?: number
}

export function toPlainCredentials(credentials: StoreCredentials): PlainCredentials {
  const { accessKey, secretKey, sessionToken, expiresMs } = credentials
  return {
    accessKey,
    secretKey: secretKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  }
}

function fromPlainCredentials(plain: PlainCredentials): StoreCredentials {
  const { accessKey, secretKey, sessionToken, expiresMs } = plain
  return {
    accessKey,
    secretKey: new Secret(secretKey),
    ...(sessionToken === undefined ? {} : { sessionToken: new Secret(sessionToken) }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  }
}

/** A worker asks for them again after so long: what the main thread has at hand may be newer. */
const KEPT_MS = 10_000

export interface AskedCredentialsOptions {
  /** Asks the main thread; `isRefused`: the store did not take the last ones. */
  readonly ask: (isRefused: boolean) => Promise<PlainCredentials>
  readonly nowMs: () => number
}

/** The main thread's credentials, in a worker. Calls at once share one question. */
export function askedCredentials({ ask, nowMs }: AskedCredentialsOptions): StoreCredentialsSource {
  let kept: { readonly answer: Promise<StoreCredentials>; readonly sinceMs: number } | undefined
  let isRefused = false

  const fresh = (): Promise<StoreCredentials> => {
    if (kept !== undefined && nowMs() - kept.sinceMs < KEPT_MS) return kept.answer
    const answer = ask(isRefused).then(fromPlainCredentials)
    kept = { answer, sinceMs: nowMs() }
    isRefused = false
    answer.catch(() => {
      kept = undefined
    })
    return answer
  }

  return {
    async get(signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      return unlessAborted(fresh(), signal)
    },
    expire(_, about = 'keys') {
      kept = undefined
      // On rights the main thread hears from planning, which asks first.
      isRefused = about === 'keys'
    },
  }
}
