import { setTimeout as after } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import type { ObjectStore } from './object-store.ts'
import { StoreRefusal } from './store-refusal.ts'

export interface RetryOptions {
  /** Tries in all, the first included; default 4. */
  readonly attemptsMax?: number
  /** The first wait is a random part of this, each later one of twice as much; default 50 ms. */
  readonly waitMsMin?: number
  /** No wait is longer; default 2 s. */
  readonly waitMsMax?: number
  /** Retries the store's users share: a store that is down gets no more than these. Default 20. */
  readonly retriesMax?: number
  /** How much of a retry each success gives back; default 0.1. */
  readonly retriesPerSuccess?: number
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** From 0 to below 1. */
  readonly random?: () => number
}

/**
 * Asks again when the store did not answer or was overloaded, never when it said no: every call only reads, so a
 * second try is safe. The store's own `Retry-After` is not followed, MinIO says 60 s to a short burst.
 */
export function withRetry(store: ObjectStore, options: RetryOptions = {}): ObjectStore {
  const { attemptsMax = 4, waitMsMin = 50, waitMsMax = 2_000, random = Math.random } = options
  const { retriesMax = 20, retriesPerSuccess = 0.1, wait = sleep } = options
  let retriesLeft = retriesMax

  const retried = async <T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        const value = await call()
        retriesLeft = Math.min(retriesMax, retriesLeft + retriesPerSuccess)
        return value
      } catch (error) {
        if (!passes(error) || attempt >= attemptsMax || retriesLeft < 1 || signal.aborted)
          throw error
        retriesLeft--
      }
      await wait(random() * Math.min(waitMsMax, waitMsMin * 2 ** (attempt - 1)), signal)
    }
  }

  return {
    id: store.id,
    listBuckets: (signal) => retried(() => store.listBuckets(signal), signal),
    list: (request, signal) => retried(() => store.list(request, signal), signal),
    read: (request, signal) => retried(() => store.read(request, signal), signal),
    close: () => store.close(),
  }
}

function passes(error: unknown): boolean {
  return (
    error instanceof GatewayError &&
    error.code === 'unavailable' &&
    !(error.cause instanceof StoreRefusal)
  )
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await after(ms, undefined, { signal })
  } catch {
    throw GatewayError.from(signal.reason)
  }
}
