import type { ServerHttp2Session } from 'node:http2'

interface Flush {
  /** Resolves when everything given to the session before `ping` is sent, or the session is gone. */
  readonly running: Promise<void>
  /** The next one, which begins when the running one ends. */
  next: Promise<void> | undefined
}

const flushes = new WeakMap<ServerHttp2Session, Flush>()

/**
 * Resolves when what was given to the session until now has left for the peer, or the session is gone. A stream that
 * is reset says nothing of the kind: its last bytes may still stand in the socket's queue, by reference. A ping goes
 * behind them, and its answer proves that they went. At most one ping of ours is out at a time, one more waits; the
 * server's keepalive ends a session that does not answer.
 */
export function sessionFlushed(session: ServerHttp2Session): Promise<void> {
  const flush = flushes.get(session)
  if (flush === undefined) return startFlush(session)
  flush.next ??= flush.running.then(() => startFlush(session))
  return flush.next
}

function startFlush(session: ServerHttp2Session): Promise<void> {
  const running = pinged(session)
  flushes.set(session, { running, next: undefined })
  return running
}

function pinged(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.destroyed) return resolve()
    const done = () => {
      session.off('close', done)
      resolve()
    }
    session.on('close', done)
    session.ping(done)
    return undefined
  })
}
