import { GatewayError } from '../errors.ts'

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

interface Flight<T> {
  readonly waiters: Set<Waiter<T>>
  readonly controller: AbortController
}

/**
 * Work that is done once for all who ask for it at the same time. It is aborted when the last of them has left;
 * neither results nor failures are kept. Its size is bounded by the callers in flight.
 */
export class SharedFlights<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** Flights under way. */
  get size(): number {
    return this.#flights.size
  }

  /**
   * Joins the flight of this key or starts it. All waiters are told in the same turn, the one who started first.
   *
   * @throws {GatewayError} whatever `start` throws; `cancelled` the signal aborted, which the others do not notice.
   */
  join(key: string, start: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(GatewayError.from(signal.reason))
    const flight = this.#flights.get(key) ?? this.#start(key, start)
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        flight.waiters.delete(waiter)
        reject(GatewayError.from(signal.reason))
        if (flight.waiters.size === 0) this.#abandon(key, flight)
      }
      const settle =
        <V>(settler: (value: V) => void) =>
        (value: V): void => {
          signal.removeEventListener('abort', leave)
          settler(value)
        }
      const waiter: Waiter<T> = { resolve: settle(resolve), reject: settle(reject) }
      flight.waiters.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const flight: Flight<T> = { waiters: new Set(), controller: new AbortController() }
    this.#flights.set(key, flight)
    start(flight.controller.signal).then(
      (value) => {
        this.#land(key, flight)
        for (const waiter of flight.waiters) waiter.resolve(value)
      },
      (reason: unknown) => {
        this.#land(key, flight)
        for (const waiter of flight.waiters) waiter.reject(reason)
      },
    )
    return flight
  }

  /** Nobody waits any more: whoever asks next starts anew. */
  #abandon(key: string, flight: Flight<T>): void {
    this.#land(key, flight)
    flight.controller.abort()
  }

  #land(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
