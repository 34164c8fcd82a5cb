import { GatewayError } from '../errors.ts'

/**
 * The promise, or the end of who waits for it: others who wait for the same one still get it.
 *
 * @throws {GatewayError} `cancelled` the signal aborted.
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const leave = (): void => reject(GatewayError.from(signal.reason))
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true, signal: done.signal })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    done.abort()
  }
}
