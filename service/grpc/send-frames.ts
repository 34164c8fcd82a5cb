import type { ServerWritableStream } from '@grpc/grpc-js'
import { GatewayError } from '../errors.ts'
import type { Frame } from '../scan/frame.ts'

/** A message that is framed already; the method's serializer passes its bytes on. */
export class FramedMessage {
  /** FlightData in protobuf form, without gRPC's five bytes. */
  readonly bytes: Buffer

  constructor(message: Uint8Array) {
    this.bytes = Buffer.from(message.buffer, message.byteOffset + 5, message.byteLength - 5)
  }
}

/** A frame nobody takes for this long ends its stream: a stalled reader holds memory that others wait for. */
export const STALL_TIMEOUT_MS = 120_000

/**
 * Sends frames no faster than the reader reads: one message is under way, and its memory is given back when
 * the transport has it.
 *
 * @throws {GatewayError} `cancelled` the reader went away; `unavailable` it stalled; and what the frames throw.
 */
export async function sendFrames(
  call: ServerWritableStream<unknown, unknown>,
  frames: AsyncIterable<Frame>,
  signal: AbortSignal,
): Promise<void> {
  for await (const frame of frames) {
    try {
      await written(call, new FramedMessage(frame.message), signal)
    } finally {
      frame.release()
    }
  }
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
