import { constants, type Http2Session, type Http2Stream } from 'node:http2'

interface Flush {
  /** Resolves when everything given to the session before `ping` is sent, or the session is gone. */
  readonly running: Promise<void>
  /** The next one, which begins when the running one ends. */
  next: Promise<void> | undefined
}

const flushes = new WeakMap<Http2Session, Flush>()

/** Who reads memory that is lent. */
export interface Loan {
  readonly stream: Http2Stream
  /** Of the stream; one that is destroyed does not tell any more. */
  readonly session: Http2Session | undefined
}

/**
 * Ends a stream that was lent memory it may not have read yet, and resolves when nobody reads that memory any more. It
 * is reset, for a status would wait behind the bytes: they stand still as long as the peer's window is closed, and
 * whoever reads on later would get what the memory holds by then, another caller's rows.
 */
export async function endLoan({ stream, session }: Loan): Promise<void> {
  stream.close(constants.NGHTTP2_CANCEL)
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve))
  if (session !== undefined) await sessionFlushed(session)
}

/**
 * Resolves when what was given to the session until now has left for the peer, or the session is gone. The last bytes
 * of a stream that was reset may still stand in the socket's queue, by reference. A ping goes behind them, and its
 * answer proves that they went. At most one ping of ours is out at a time, one more waits; the server's keepalive ends
 * a session that does not answer.
 */
function sessionFlushed(session: Http2Session): Promise<void> {
  const flush = flushes.get(session)
  if (flush === undefined) return startFlush(session)
  flush.next ??= flush.running.then(() => startFlush(session))
  return flush.next
}

function startFlush(session: Http2Session): Promise<void> {
  const running = pinged(session)
  flushes.set(session, { running, next: undefined })
  return running
}

function pinged(session: Http2Session): Promise<void> {
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
