import type { ServerWritableStream } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'
import type { Frame } from '../scan/frame.ts'
import { endLoan } from './end-loan.ts'
import { FramedMessage } from './framed-message.ts'

/** A frame nobody takes for this long ends its stream: a stalled reader holds memory that others wait for. */
export const STALL_TIMEOUT_MS = 120_000

/**
 * Sends frames no faster than the reader reads: one message is under way, and its memory is given back when
 * the transport has it. A reader in the middle of a frame that is given up sees its stream reset, with no status.
 *
 * @throws {GatewayError} `cancelled` the reader went away; `unavailable` it stalled; and what the frames throw.
 */
export async function sendFrames(
  call: ServerWritableStream<unknown, unknown>,
  frames: AsyncIterable<Frame>,
  signal: AbortSignal,
): Promise<void> {
  for await (const frame of frames) {
    const message = new FramedMessage(frame.message)
    try {
      await written(call, message, signal)
      frame.release()
    } catch (error) {
      releaseLater(frame, message)
      throw error
    }
  }
}

/** The transport may still read the frame's memory: another caller's rows must not be there. */
function releaseLater(frame: Frame, { lentTo }: FramedMessage): void {
  if (lentTo === undefined) frame.release()
  else void endLoan(lentTo).then(() => frame.release())
}

function written(
  call: ServerWritableStream<unknown, unknown>,
  message: FramedMessage,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => settle(GatewayError.from(signal.reason))
    const timer = setTimeout(
      () =>
        settle(
          new GatewayError('unavailable', `the reader took nothing for ${STALL_TIMEOUT_MS} ms`),
        ),
      STALL_TIMEOUT_MS,
    )
    const settle = (error?: Error | null) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      if (error) reject(error)
      else resolve()
    }
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
    call.write(message, (error?: Error | null) => settle(error))
    return undefined
  })
}
