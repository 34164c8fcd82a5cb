import { create, fromBinary } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { Metadata } from '@grpc/grpc-js'
import type { HandshakeRequest, HandshakeResponse } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { BasicAuthSchema, HandshakeResponseSchema } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { GatewayError } from '../errors.ts'
import { callSignal } from '../grpc/call-signal.ts'
import { statusOf } from '../grpc/error-status.ts'
import type { CallKeeper } from '../grpc/serve-call.ts'
import { watchCall } from '../grpc/serve-call.ts'

/** A client that says nothing for this long wants no handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** Names and tokens are shorter. */
const CREDENTIALS_CHARACTERS_MAX = 16_384

/** What a caller shows of itself. */
export interface Credentials {
  /** Absent with a bearer token. */
  readonly caller?: string
  readonly token: string
}

/** The bearer token that a caller may use from now on. @throws {GatewayError} `unauthenticated` */
export type Admit = (credentials: Credentials) => Promise<string>

type HandshakeCall = ServerDuplexStream<HandshakeRequest, HandshakeResponse>

/**
 * Flight's handshake in the forms that clients have. With an `authorization` header (Basic from C++, Go, Java and
 * Rust, Bearer from JDBC) the answer is that header, as `Bearer`, before any message: Rust reads it there alone, Go
 * waits for it before it closes its side. Early clients send BasicAuth as payload and get the token as payload. A
 * client that closes without either is let go.
 */
export function handshake(keeper: CallKeeper, admit: Admit): (call: HandshakeCall) => void {
  return (call) => {
    const ended = watchCall(keeper, call.getPath())
    const life = callSignal(call)
    shake(call, admit, life.signal).then(
      () => {
        life.finish()
        ended(undefined)
        call.end()
      },
      (reason: unknown) => {
        life.finish()
        const error = keeper.translate(life.signal.aborted ? life.signal.reason : reason)
        ended(error)
        call.emit('error', statusOf(error))
      },
    )
  }
}

async function shake(call: HandshakeCall, admit: Admit, signal: AbortSignal): Promise<void> {
  // Whoever talks on is heard, so that its side of the stream can end.
  const payload = firstPayload(call, signal)
  const [header] = call.metadata.get('authorization')
  if (header !== undefined) {
    payload.catch(() => undefined)
    const token = await admit(credentialsOf(header.toString()))
    const metadata = new Metadata()
    metadata.set('authorization', `Bearer ${token}`)
    call.sendMetadata(metadata)
    return
  }
  const given = await payload
  if (given === undefined) return
  const token = await admit(basicAuthOf(given))
  call.write(create(HandshakeResponseSchema, { payload: Buffer.from(token) }))
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

/**
 * Credentials from an `authorization` header; Go leaves out the padding of its base64.
 *
 * @throws {GatewayError} `unauthenticated` it is neither Basic nor Bearer.
 */
export function credentialsOf(header: string): Credentials {
  const [, scheme, value = ''] = /^(basic|bearer) +(\S+)$/i.exec(header.trim()) ?? []
  if (scheme === undefined || header.length > CREDENTIALS_CHARACTERS_MAX) throw unclear()
  if (scheme.toLowerCase() === 'bearer') return { token: value }
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) throw unclear()
  return { caller: text.slice(0, colon), token: text.slice(colon + 1) }
}

function basicAuthOf(payload: Uint8Array): Credentials {
  if (payload.length > CREDENTIALS_CHARACTERS_MAX) throw unclear()
  try {
    const { username, password } = fromBinary(BasicAuthSchema, payload)
    return { caller: username, token: password }
  } catch {
    throw unclear()
  }
}

function unclear(): GatewayError {
  return new GatewayError(
    'unauthenticated',
    'the credentials are not understood; send "authorization: Bearer <token>" or Basic <caller>:<token>',
  )
}

/** Without callers everybody is let in, and keeps the token that it came with. */
export const admitAnybody: Admit = async ({ token }) =>
  /^[\x21-\x7e]+$/.test(token) ? token : 'anonymous'
