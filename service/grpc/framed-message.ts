import type { Http2Stream } from 'node:http2'
import type { ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js'
import { ServerInterceptingCall } from '@grpc/grpc-js'
import type { Loan } from './end-loan.ts'

/** gRPC's prefix: a byte for compression, four for the length. */
const PREFIX_BYTES = 5

/** A message with gRPC's prefix before it. */
export class FramedMessage {
  /** Who reads these very bytes; undefined: it has a copy, or nothing. */
  lentTo: Loan | undefined
  /** Prefix and message. */
  readonly framed: Buffer

  constructor(framed: Uint8Array) {
    this.framed = Buffer.from(framed.buffer, framed.byteOffset, framed.byteLength)
  }

  /** The message without its prefix, for the ordinary path. */
  get bytes(): Buffer {
    return this.framed.subarray(PREFIX_BYTES)
  }
}

/** What grpc-js 1.14 has below the interceptors, where its own prefix is put and its own copy is made. */
interface SerializingCall {
  serializeMessage(message: unknown): Buffer
  readonly stream: Http2Stream
}

/**
 * Hands framed messages to HTTP/2 as they are; grpc-js would copy each behind a prefix of its own, the largest cost
 * of sending (0.67 CPU seconds per GB). Where grpc-js is not as we know it, its ordinary path stays.
 */
export const sendFramedAsIs: ServerInterceptor = (_, call) => {
  if (isSerializing(call)) {
    const serialize = call.serializeMessage.bind(call)
    call.serializeMessage = (message) => {
      if (!(message instanceof FramedMessage)) return serialize(message)
      const { stream } = call
      message.lentTo = { stream, session: stream.session }
      return message.framed
    }
  }
  return new ServerInterceptingCall(call)
}

function isSerializing(
  call: ServerInterceptingCallInterface,
): call is ServerInterceptingCallInterface & SerializingCall {
  return (
    'serializeMessage' in call &&
    typeof call.serializeMessage === 'function' &&
    'stream' in call &&
    typeof call.stream === 'object'
  )
}
