import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Frame } from '../scan/frame.ts'
import { ReaderPatience } from '../scan/reader-patience.ts'
import { endLoan } from './end-loan.ts'
import { FramedMessage } from './framed-message.ts'

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
  const patience = new ReaderPatience(signal)
  try {
    for await (const frame of frames) {
      const message = new FramedMessage(frame.message)
      try {
        await patience.wait((done) => call.write(message, done))
        frame.release()
      } catch (error) {
        releaseLater(frame, message)
        throw error
      }
    }
  } finally {
    patience.end()
  }
}

/** The transport may still read the frame's memory: another caller's rows must not be there. */
function releaseLater(frame: Frame, { lentTo }: FramedMessage): void {
  if (lentTo === undefined) frame.release()
  else void endLoan(lentTo).then(() => frame.release())
}
