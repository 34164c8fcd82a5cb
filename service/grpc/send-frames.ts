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
  const giveUp = new GiveUp(signal)
  try {
    for await (const frame of frames) {
      const message = new FramedMessage(frame.message)
      try {
        await giveUp.unless((done) => call.write(message, done))
        frame.release()
      } catch (error) {
        releaseLater(frame, message)
        throw error
      }
    }
  } finally {
    giveUp.end()
  }
}

/** The transport may still read the frame's memory: another caller's rows must not be there. */
function releaseLater(frame: Frame, { lentTo }: FramedMessage): void {
  if (lentTo === undefined) frame.release()
  else void endLoan(lentTo).then(() => frame.release())
}

/**
 * What ends a write before it is done: the signal, or a reader who takes nothing. One listener serves all frames of a
 * call: adding and removing one per frame costs more than its timer does.
 */
class GiveUp {
  readonly #signal: AbortSignal
  readonly #aborted = () => this.#fail?.(GatewayError.from(this.#signal.reason))
  #fail: ((reason: GatewayError) => void) | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#aborted, { once: true })
  }

  /** Resolves when the write is done. @throws {GatewayError} it is given up, or what it failed with. */
  unless(write: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#signal.aborted) return Promise.reject(GatewayError.from(this.#signal.reason))
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => this.#fail?.(stalled()), STALL_TIMEOUT_MS)
      const settle = (error?: Error | null) => {
        clearTimeout(timer)
        this.#fail = undefined
        if (error) reject(error)
        else resolve()
      }
      this.#fail = settle
      write(settle)
    })
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#aborted)
  }
}

function stalled(): GatewayError {
  return new GatewayError('unavailable', `the reader took nothing for ${STALL_TIMEOUT_MS} ms`)
}
