import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import { GatewayError } from '../errors.ts'
import type { BodyPart } from './answer-body.ts'

/** A part nobody takes for this long ends its answer: a stalled reader holds memory that others wait for. */
const STALL_TIMEOUT_MS = 120_000

export interface BodyToSend {
  readonly parts: AsyncIterable<BodyPart>
  readonly isGzip: boolean
  /** Told before the first byte: the head of the answer is written here. */
  readonly begin: () => void
  /** Told why an answer that has begun is about to be cut off. */
  readonly cut: (reason: unknown) => void
}

/**
 * Sends a body no faster than it is read. It begins with the second part, so that what is wrong from the start is an
 * answer of its own; what is wrong later ends the connection in the middle, never a short answer that looks whole.
 *
 * @throws {GatewayError} what the parts throw, `cancelled` the reader left, `unavailable` it stalled; when the head was
 *   sent the connection is gone by then.
 */
export async function sendBody(
  response: ServerResponse,
  { parts, isGzip, begin, cut }: BodyToSend,
  signal: AbortSignal,
): Promise<void> {
  let target: Writable | undefined
  const waiting: BodyPart[] = []
  try {
    for await (const part of parts) {
      waiting.push(part)
      if (target === undefined && waiting.length < 2) continue
      target ??= opened(response, isGzip, begin)
      await sendAll(target, waiting, signal)
    }
    target ??= opened(response, isGzip, begin)
    await sendAll(target, waiting, signal)
    await ended(target, response)
  } catch (error) {
    if (response.headersSent) {
      cut(error)
      await cutOff(response, target)
    }
    for (const part of waiting) part.release()
    throw error
  }
}

/** The answer itself, or a gzip stream in front of it, which is worth its lowest level only. */
function opened(response: ServerResponse, isGzip: boolean, begin: () => void): Writable {
  begin()
  if (!isGzip) return response
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  gzip.pipe(response)
  return gzip
}

async function sendAll(target: Writable, parts: BodyPart[], signal: AbortSignal): Promise<void> {
  for (let part = parts[0]; part !== undefined; part = parts[0]) {
    await written(target, part.pieces, signal)
    parts.shift()
    part.release()
  }
}

function written(
  target: Writable,
  pieces: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => settle(GatewayError.from(signal.reason))
    const stalled = () =>
      settle(new GatewayError('unavailable', `the reader took nothing for ${STALL_TIMEOUT_MS} ms`))
    const timer = setTimeout(stalled, STALL_TIMEOUT_MS)
    const settle = (error?: Error | null) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      if (error) reject(error)
      else resolve()
    }
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
    target.cork()
    for (const piece of pieces.slice(0, -1)) target.write(piece)
    target.write(pieces.at(-1) ?? new Uint8Array(0), settle)
    target.uncork()
    return undefined
  })
}

async function ended(target: Writable, response: ServerResponse): Promise<void> {
  const finished = once(response, 'finish')
  target.end()
  await finished
}

/** The socket must be gone before memory that it may still read is given back. */
async function cutOff(response: ServerResponse, target: Writable | undefined): Promise<void> {
  const { socket } = response
  target?.destroy()
  response.destroy()
  if (socket && !socket.closed) await once(socket, 'close')
}
