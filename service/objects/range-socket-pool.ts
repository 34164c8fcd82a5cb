import { RangeSocket } from './range-socket.ts'
import type { RangeSocketOptions } from './range-socket.ts'
import { callLimit } from './with-concurrency-limit.ts'

export interface RangeSocketPoolOptions extends Omit<
  RangeSocketOptions,
  'buffer' | 'session' | 'onSession' | 'onClose'
> {
  /** Sockets, idle ones included. */
  readonly connectionsMax: number
  /** Requests that may wait for a socket; one more is turned away. */
  readonly waitingMax: number
}

/** Keep-alive connections to one store. */
export interface RangeSocketPool {
  /**
   * Lends a socket while `work` runs, in the order of the calls; with `isNew` one that nobody used.
   *
   * @throws {GatewayError} `busy` too many wait already; and what `work` throws.
   */
  use<T>(
    work: (socket: RangeSocket) => Promise<T>,
    options: { readonly isNew: boolean },
    signal: AbortSignal,
  ): Promise<T>
  /** Closes all sockets; requests under way fail. */
  close(): void
}

/** A head has no more. What comes of the body with it is copied, the rest is read to its place. */
const BUFFER_BYTES = 16 << 10

/** Opens nothing before it is needed. The socket that was used last goes first, so that the others can idle out. */
export function rangeSocketPool(options: RangeSocketPoolOptions): RangeSocketPool {
  const { connectionsMax, waitingMax, url } = options
  const limited = callLimit(url.origin, { callsMax: connectionsMax, waitingMax })
  const buffer = new Uint8Array(BUFFER_BYTES)
  const open = new Set<RangeSocket>()
  const idle: RangeSocket[] = []
  let session: Buffer | undefined

  const dial = (): RangeSocket => {
    if (open.size >= connectionsMax) drop(idle.shift())
    const socket = new RangeSocket({
      ...options,
      buffer,
      ...(session === undefined ? {} : { session }),
      onSession: (told) => (session = told),
      onClose: () => drop(socket),
    })
    open.add(socket)
    return socket
  }
  const drop = (socket: RangeSocket | undefined): void => {
    if (socket === undefined) return
    open.delete(socket)
    const at = idle.indexOf(socket)
    if (at >= 0) idle.splice(at, 1)
    socket.close()
  }

  return {
    use: (work, { isNew }, signal) =>
      limited(async () => {
        const socket = (isNew ? undefined : idle.pop()) ?? dial()
        try {
          return await work(socket)
        } finally {
          if (socket.isOpen) idle.push(socket)
          else drop(socket)
        }
      }, signal),
    close() {
      for (const socket of open) socket.close()
    },
  }
}
