import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import { ReaderPatience, type WriteDone } from '../scan/reader-patience.ts'
import type { BodyPart } from './answer-body.ts'

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
  const patience = new ReaderPatience(signal)
  let target: Writable | undefined
  const waiting: BodyPart[] = []
  try {
    for await (const part of parts) {
      waiting.push(part)
      if (target === undefined && waiting.length < 2) continue
      target ??= opened(response, isGzip, begin)
      await sendAll(target, waiting, patience)
    }
    target ??= opened(response, isGzip, begin)
    await sendAll(target, waiting, patience)
    await ended(target, response)
  } catch (error) {
    if (response.headersSent) {
      cut(error)
      await cutOff(response, target)
    }
    for (const part of waiting) part.release()
    throw error
  } finally {
    patience.end()
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

async function sendAll(
  target: Writable,
  parts: BodyPart[],
  patience: ReaderPatience,
): Promise<void> {
  for (let part = parts[0]; part !== undefined; part = parts[0]) {
    const { pieces } = part
    await patience.wait((done) => write(target, pieces, done))
    parts.shift()
    part.release()
  }
}

function write(target: Writable, pieces: readonly Uint8Array[], done: WriteDone): void {
  target.cork()
  for (const piece of pieces.slice(0, -1)) target.write(piece)
  target.write(pieces.at(-1) ?? new Uint8Array(0), done)
  target.uncork()
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
