import { GatewayError } from '../errors.ts'
import type { ObjectStore } from './object-store.ts'

export interface ConcurrencyLimitOptions {
  /** Calls to the store at once. At most the connections of the store, else calls wait there and time out. */
  readonly callsMax: number
  /** Calls that may wait for their turn; one more is turned away. */
  readonly waitingMax: number
}

/**
 * So many calls at once, the others in the order they came.
 *
 * @throws {GatewayError} `busy` too many wait already.
 */
export function withConcurrencyLimit(
  store: ObjectStore,
  options: ConcurrencyLimitOptions,
): ObjectStore {
  const limited = callLimit(store.id, options)
  return {
    id: store.id,
    listBuckets: (signal) => limited(() => store.listBuckets(signal), signal),
    list: (request, signal) => limited(() => store.list(request, signal), signal),
    read: (request, signal) => limited(() => store.read(request, signal), signal),
    close: () => store.close(),
  }
}

/** Makes the call in its turn. */
export type LimitedCall = <T>(call: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** The limit of `withConcurrencyLimit` for any calls to the store of that id. */
export function callLimit(storeId: string, options: ConcurrencyLimitOptions): LimitedCall {
  const { callsMax, waitingMax } = options
  const waiting = new Set<() => void>()
  let running = 0

  const turn = (signal: AbortSignal): Promise<void> => {
    if (waiting.size >= waitingMax)
      throw new GatewayError(
        'busy',
        `${callsMax} requests to the store ${storeId} are under way and ${waitingMax} wait; ask again later`,
      )
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(start)
        reject(GatewayError.from(signal.reason))
      }
      const start = (): void => {
        waiting.delete(start)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      waiting.add(start)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return async (call, signal) => {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    // A finished call hands its place on, so `running` stays as it is for those who waited.
    if (running < callsMax) running++
    else await turn(signal)
    try {
      return await call()
    } finally {
      const [next] = waiting
      if (next === undefined) running--
      else next()
    }
  }
}
