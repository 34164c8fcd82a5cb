import { create, fromBinary } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { Metadata } from '@grpc/grpc-js'
import type { HandshakeRequest, HandshakeResponse } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { BasicAuthSchema, HandshakeResponseSchema } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { bearerToken } from '../credentials/bearer-token.ts'
import type { Caller, Identify, ShownCredentials } from '../credentials/caller.ts'
import { GatewayError } from '../errors.ts'
import { callSignal } from '../grpc/call-signal.ts'
import { shownBy } from '../grpc/identify-calls.ts'
import type { CallKeeper } from '../grpc/serve-call.ts'
import { endStream, watchCall } from '../grpc/serve-call.ts'

/** A client that says nothing for this long wants no handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000
type HandshakeCall = ServerDuplexStream<HandshakeRequest, HandshakeResponse>

/**
 * Flight's handshake in the forms that clients have. With an `authorization` header (Basic from C++, Go, Java and
 * Rust, Bearer from JDBC) the answer is that header, as `Bearer`, before any message: Rust reads it there alone, Go
 * waits for it before it closes its side. Early clients send BasicAuth as payload and get the token as payload. A
 * client that closes without either must be known by its certificate, where there are callers.
 */
export function handshake(keeper: CallKeeper, identify: Identify): (call: HandshakeCall) => void {
  return (call) => {
    const ended = watchCall(keeper, { path: call.getPath() })
    const life = callSignal(call)
    const work = shake(call, identify, life.signal)
    endStream(call, { keeper, life, work, ended: (error, caller) => ended(error, caller?.name) })
  }
}

/** The answer is the token that was shown: it is as good on every call. */
async function shake(
  call: HandshakeCall,
  identify: Identify,
  signal: AbortSignal,
): Promise<Caller> {
  // Whoever talks on is heard, so that its side of the stream can end.
  const payload = firstPayload(call, signal)
  const shown = shownBy(call, call.metadata)
  if (shown.authorization !== undefined) {
    payload.catch(() => undefined)
    const token = tokenIn(shown)
    const caller = await identify(shown)
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${token}`)
    call.sendMetadata(metadata)
    return caller
  }
  const given = await payload
  if (given === undefined) return identify(shown)
  const inPayload = { ...shown, authorization: basicAuthOf(given) }
  const token = tokenIn(inPayload)
  const caller = await identify(inPayload)
  call.write(create(HandshakeResponseSchema, { payload: Buffer.from(token) }))
  return caller
}

/** Without callers any token is let in, also one that no header can carry. */
function tokenIn(shown: ShownCredentials): string {
  const token = bearerToken(shown)?.token.reveal() ?? ''
  return /^[\x21-\x7e]+$/.test(token) ? token : 'anonymous'
}

/** The first payload that is not empty; undefined when the client closes its side without one. */
function firstPayload(call: HandshakeCall, signal: AbortSignal): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () =>
        reject(new GatewayError('deadline_exceeded', 'the handshake said nothing for too long')),
      HANDSHAKE_TIMEOUT_MS,
    )
    const settled = () => clearTimeout(late)
    signal.addEventListener(
      'abort',
      () => {
        settled()
        reject(GatewayError.from(signal.reason))
      },
      { once: true },
    )
    call.on('data', ({ payload }: HandshakeRequest) => {
      if (payload.length === 0) return
      settled()
      resolve(payload)
    })
    call.on('end', () => {
      settled()
      resolve(undefined)
    })
  })
}

function basicAuthOf(payload: Uint8Array): string {
  try {
    const { username, password } = fromBinary(BasicAuthSchema, payload)
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  } catch {
    throw new GatewayError('unauthenticated', 'the payload of the handshake is not a BasicAuth')
  }
}
