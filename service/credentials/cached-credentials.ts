import { GatewayError } from '../errors.ts'
import { sameCredentials } from './store-credentials.ts'
import type {
  CredentialsProvider,
  CredentialsStatus,
  Refusal,
  ReportingCredentials,
  StoreCredentials,
} from './store-credentials.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface CachedCredentialsOptions {
  readonly provider: CredentialsProvider
  readonly nowMs?: () => number
  /** From 0 to below 1. */
  readonly random?: () => number
}

/** How much of their life credentials are used before others are looked for, as minio-go has it. */
const LIFE_USED = 0.8
/** So much life is left at least, if they have twice as much: longer than a request, its retries and waits take. */
const LIFE_LEFT_MS = 300_000
/** Gateways that started together do not refresh together: up to this part earlier. */
const JITTER = 0.1
/** What ends so soon is not handed out: a request takes a moment, and clocks differ. Never more than this part of life. */
const LAST_MOMENT_MS = 5_000
const LAST_MOMENT_PART = 0.05
/** A failure is not repeated before this, and twice as long after each that follows it. */
const FAILURE_MS_MIN = 1_000
const FAILURE_MS_MAX = 30_000
/** A refusal of the store looks for newer ones, but not more often: a missing right is no reason to flood anybody. */
const REFUSAL_MS_MIN = { keys: 1_000, rights: 30_000 } as const
/** How often the provider is asked whether something changed. */
const LOOK_MS = 1_000
/** One attempt, its waits and retries included. */
const RETRIEVE_MS_MAX = 15_000

interface Held {
  readonly credentials: StoreCredentials
  readonly obtainedMs: number
  readonly refreshMs: number
  /** Not handed out from here on. */
  readonly endMs: number
}

interface Failure {
  readonly error: GatewayError
  readonly untilMs: number
  readonly waitMs: number
}

/**
 * The credentials of a provider, obtained again before they end, at once when what the provider reads changes, and on
 * the store's word. One attempt serves all; while it runs, and when it fails, those in use serve on until they end.
 */
export class CachedCredentials implements ReportingCredentials {
  readonly #provider: CredentialsProvider
  readonly #nowMs: () => number
  readonly #random: () => number
  #held: Held | undefined
  #refused: { readonly credentials: StoreCredentials; readonly about: Refusal } | undefined
  #attempt: Promise<StoreCredentials> | undefined
  #failure: Failure | undefined
  #lastFailure: CredentialsStatus['lastFailure']
  readonly #refusedAtMs = { keys: Number.NEGATIVE_INFINITY, rights: Number.NEGATIVE_INFINITY }
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #obtainedCount = 0
  #failedCount = 0

  constructor(options: CachedCredentialsOptions) {
    this.#provider = options.provider
    this.#nowMs = options.nowMs ?? Date.now
    this.#random = options.random ?? Math.random
  }

  async get(signal: AbortSignal): Promise<StoreCredentials> {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    const held = this.#current()
    if (held === undefined) return unlessAborted(this.#obtain(), signal)
    if (this.#refused !== undefined) return unlessAborted(this.#replaceRefused(held), signal)
    // Its failure stands in the status, and those in use are still good.
    if (this.#isDue(held)) this.#start().catch(() => {})
    return held.credentials
  }

  expire(refused = this.#held?.credentials, about: Refusal = 'keys'): void {
    const held = this.#held
    if (held === undefined || refused === undefined) return
    // The word on others came late: newer ones are here already.
    if (!sameCredentials(held.credentials, refused)) return
    if (this.#nowMs() - this.#refusedAtMs[about] < REFUSAL_MS_MIN[about]) return
    this.#refusedAtMs[about] = this.#nowMs()
    this.#refused = { credentials: held.credentials, about }
  }

  status(): CredentialsStatus {
    const expiresMs = this.#held?.credentials.expiresMs
    return {
      source: this.#provider.source,
      ...(this.#held && { obtainedMs: this.#held.obtainedMs }),
      ...(expiresMs !== undefined && { expiresMs }),
      ...(this.#lastFailure && { lastFailure: this.#lastFailure }),
      obtainedCount: this.#obtainedCount,
      failedCount: this.#failedCount,
    }
  }

  #current(): Held | undefined {
    return this.#held && this.#nowMs() < this.#held.endMs ? this.#held : undefined
  }

  #isDue({ refreshMs }: Held): boolean {
    if (this.#nowMs() >= refreshMs && !this.#isFailing()) return true
    if (this.#nowMs() - this.#lookedAtMs < LOOK_MS) return false
    this.#lookedAtMs = this.#nowMs()
    return this.#provider.changed?.() ?? false
  }

  #isFailing(): boolean {
    return this.#failure !== undefined && this.#nowMs() < this.#failure.untilMs
  }

  /** For those who have nothing: they wait, or hear at once that it just failed and nothing has changed since. */
  async #obtain(): Promise<StoreCredentials> {
    if (this.#attempt === undefined && this.#failure && this.#isFailing())
      if (!(this.#provider.changed?.() ?? false)) throw this.#failure.error
    return this.#start()
  }

  /** The refused ones again when there are no others: it may have been about a right, not about the keys. */
  async #replaceRefused(held: Held): Promise<StoreCredentials> {
    try {
      const first = await this.#start()
      // An attempt that ran already when the store spoke did not look for others.
      return this.#refused === undefined ? first : await this.#start()
    } catch {
      this.#refused = undefined
      return held.credentials
    }
  }

  #start(): Promise<StoreCredentials> {
    this.#attempt ??= this.#retrieve().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #retrieve(): Promise<StoreCredentials> {
    const refused = this.#refused
    try {
      // Not the signal of whoever came first: the others wait for the same answer.
      const limit = AbortSignal.timeout(RETRIEVE_MS_MAX)
      const isOfKeys = refused?.about === 'keys'
      const request = isOfKeys ? { refused: refused.credentials } : {}
      const credentials = await this.#provider.retrieve(request, limit)
      this.#hold(credentials)
      if (this.#refused === refused || !isSame(this.#refused?.credentials, credentials))
        this.#refused = undefined
      return credentials
    } catch (reason) {
      throw this.#fail(reason)
    }
  }

  #hold(credentials: StoreCredentials): void {
    const obtainedMs = this.#nowMs()
    const lifeMs = (credentials.expiresMs ?? Number.POSITIVE_INFINITY) - obtainedMs
    if (lifeMs <= 0) throw endedAlready(this.#provider)
    const { ttlMs = Number.POSITIVE_INFINITY } = this.#provider
    const usedMs = Number.isFinite(lifeMs) ? usedLifeMs(lifeMs) : ttlMs
    this.#held = {
      credentials,
      obtainedMs,
      refreshMs: obtainedMs + usedMs * (1 - JITTER * this.#random()),
      endMs: obtainedMs + lifeMs - Math.min(LAST_MOMENT_MS, lifeMs * LAST_MOMENT_PART),
    }
    this.#failure = undefined
    this.#obtainedCount++
  }

  #fail(reason: unknown): GatewayError {
    const error = errorOf(reason, this.#provider)
    const atMs = this.#nowMs()
    const waitMs = Math.min(FAILURE_MS_MAX, 2 * (this.#failure?.waitMs ?? FAILURE_MS_MIN / 2))
    const untilMs = atMs + waitMs * (1 - this.#random() / 2)
    this.#failure = { error, untilMs, waitMs }
    this.#lastFailure = { atMs, reason: error.message }
    this.#failedCount++
    return error
  }
}

/** When to look for the next ones: most of the life, but a floor left for those who use them, but half of it at least. */
function usedLifeMs(lifeMs: number): number {
  return Math.max(lifeMs / 2, Math.min(lifeMs * LIFE_USED, lifeMs - LIFE_LEFT_MS))
}

function isSame(left: StoreCredentials | undefined, right: StoreCredentials): boolean {
  return left !== undefined && sameCredentials(left, right)
}

function endedAlready({ source }: CredentialsProvider): GatewayError {
  return new GatewayError(
    'unavailable',
    `the credentials source ${source} gave credentials that have ended already; check it, and the clocks`,
  )
}

function errorOf(reason: unknown, { source }: CredentialsProvider): GatewayError {
  const error = GatewayError.from(reason)
  if (error.code !== 'cancelled') return error
  // Nobody cancels an attempt: its own time was over.
  return new GatewayError(
    'unavailable',
    `the credentials source ${source} did not answer within ${RETRIEVE_MS_MAX} ms; check that it can be reached`,
    { cause: reason },
  )
}
