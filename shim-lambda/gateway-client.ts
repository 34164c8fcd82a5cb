import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import {
  Client,
  InterceptingCall,
  Metadata,
  credentials,
  status,
  type ChannelCredentials,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Interceptor,
  type ServiceError,
} from '@grpc/grpc-js'
import {
  Federation,
  type Block,
  type ReadSplitRequestSchema,
} from '../proto/gen/spillway/v1/federation_pb.ts'
import type { GatewaySettings } from './config.ts'
import { ConnectorError, errorOfStatus } from './errors.ts'

/** The gateway's federation door. Every failure is a ConnectorError, or the signal's own reason once it aborted. */
export interface GatewayClient {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    deadline: Date,
    signal: AbortSignal,
  ): Promise<MessageShape<O>>
  /** Blocks in order. Leaving the loop cancels the call. */
  readSplit(
    request: MessageInitShape<typeof ReadSplitRequestSchema>,
    deadline: Date,
    signal: AbortSignal,
  ): AsyncGenerator<Block, void>
  close(): void
}

/** Gives the bearer token, or null for none; `renew` forgets a cached one and says whether that can help. */
export interface TokenSource {
  token(signal: AbortSignal): Promise<string | null>
  renew(): boolean
}

/** A block has at most 16,000,000 bytes of body; its header and the framing take the rest. */
const receiveBytesMax = 17 * 1024 * 1024
/** Blocks received and not yet taken; grpc-js alone would buffer 16. */
const blocksBufferedMax = 1
/** What HTTP/2 lets come unasked: at its own 64 KiB a block is some two hundred times waited for. */
const flowControlWindowBytes = 4 * 1024 * 1024
/** NAT gateways and network load balancers forget a silent connection after 350 s; a frozen function is silent. */
const silenceMsMax = 240_000
const attemptsMax = 2
/** A busy gateway is asked again after the time that it names, no later than this, so many times. */
const busyWaitsMax = 8
const busyWaitMsMax = 20_000
const busyWaitMsDefault = 1_000
/** Functions that were refused together come back spread over so much more of their wait. */
const busyWaitSpread = 0.5

const channelOptions = {
  'grpc.max_receive_message_length': receiveBytesMax,
  'grpc-node.flow_control_window': flowControlWindowBytes,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 200,
}

/** Dials at the first call. The connection stays for later invocations and is dialled again when stale or broken. */
export function openGatewayClient(settings: GatewaySettings, tokens: TokenSource): GatewayClient {
  const line = openLine(settings)

  async function* attempts<T>(
    start: (client: Client, metadata: Metadata) => AsyncGenerator<T, void>,
    deadline: Date,
    signal: AbortSignal,
  ): AsyncGenerator<T, void> {
    let [attempt, waits] = [1, 0]
    for (;;) {
      const token = await tokens.token(signal)
      const client = line.client()
      let received = false
      try {
        for await (const item of start(client, metadataOf(token))) {
          received = true
          yield item
        }
        return
      } catch (reason) {
        signal.throwIfAborted()
        const waitMs = received || waits === busyWaitsMax ? null : busyWaitMs(reason)
        if (waitMs !== null && Date.now() + waitMs < deadline.getTime()) {
          waits += 1
          await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
          continue
        }
        const final = received || attempt === attemptsMax
        if (final || !mayTryAgain(reason, client)) throw errorOf(reason, settings.address)
        attempt += 1
      }
    }
  }

  /** A broken connection is dialled again, a refused token is read again; all else would fail the same way. */
  function mayTryAgain(reason: unknown, client: Client): boolean {
    if (!isServiceError(reason)) return false
    if (reason.code === status.UNAUTHENTICATED) return tokens.renew()
    const broken = reason.code === status.UNAVAILABLE && trailerCodeOf(reason) === null
    if (broken) line.drop(client)
    return broken
  }

  return {
    async call(method, request, deadline, signal) {
      const bytes = encode(method.input, request)
      const answers = attempts(
        (client, metadata) => {
          const decode = (answer: Buffer) => fromBinary(method.output, answer)
          return unary({ client, path: pathOf(method), bytes, metadata, decode, deadline }, signal)
        },
        deadline,
        signal,
      )
      for await (const answer of answers) return answer
      throw new ConnectorError('internal', `gateway ${settings.address} gave no answer`)
    },
    readSplit(request, deadline, signal) {
      const method = Federation.method.readSplit
      const bytes = encode(method.input, request)
      return attempts(
        (client, metadata) => {
          const decode = (block: Buffer) => fromBinary(method.output, block)
          return stream({ client, path: pathOf(method), bytes, metadata, decode, deadline }, signal)
        },
        deadline,
        signal,
      )
    },
    close: () => line.close(),
  }
}

interface Line {
  client(): Client
  /** Forgets this client, unless another took its place already. */
  drop(client: Client): void
  close(): void
}

function openLine(settings: GatewaySettings): Line {
  let current: Client | null = null
  let usedAtMs = 0
  const drop = (client: Client | null): void => {
    if (client === null || client !== current) return
    client.close()
    current = null
  }
  return {
    client() {
      const nowMs = Date.now()
      if (nowMs - usedAtMs > silenceMsMax) drop(current)
      usedAtMs = nowMs
      current ??= new Client(settings.address, channelCredentials(settings), channelOptions)
      return current
    },
    drop,
    close: () => drop(current),
  }
}

function channelCredentials(settings: GatewaySettings): ChannelCredentials {
  if (!settings.tls) return credentials.createInsecure()
  if (settings.caFile === null) return credentials.createSsl()
  try {
    return credentials.createSsl(readFileSync(settings.caFile))
  } catch (cause) {
    const text = `SPILLWAY_GATEWAY_CA_FILE ${settings.caFile} cannot be read as PEM`
    throw new ConnectorError('invalid_request', text, { cause })
  }
}

interface Exchange<T> {
  readonly client: Client
  readonly path: string
  readonly bytes: Buffer
  readonly metadata: Metadata
  readonly decode: (bytes: Buffer) => T
  readonly deadline: Date
}

async function* unary<T>(exchange: Exchange<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const { client, path, bytes, metadata, decode, deadline } = exchange
  signal.throwIfAborted()
  let call: ClientUnaryCall | undefined
  const cancel = (): void => call?.cancel()
  const answer = new Promise<T>((resolve, reject) => {
    const done = (error: ServiceError | null, value?: T): void => {
      if (error === null && value !== undefined) resolve(value)
      else reject(error ?? new Error('no message'))
    }
    call = client.makeUnaryRequest(path, same, decode, bytes, metadata, { deadline }, done)
  })
  signal.addEventListener('abort', cancel)
  try {
    yield await answer
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

async function* stream<T>(exchange: Exchange<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  const { client, path, bytes, metadata, decode, deadline } = exchange
  signal.throwIfAborted()
  const gate = messageGate(blocksBufferedMax)
  const call: ClientReadableStream<T> = client.makeServerStreamRequest(
    path,
    same,
    decode,
    bytes,
    metadata,
    { deadline, interceptors: [gate.interceptor] },
  )
  // Cancelled after its reader has left, the call still emits its status.
  call.on('error', () => undefined)
  const cancel = (): void => call.cancel()
  signal.addEventListener('abort', cancel)
  try {
    for await (const item of call) {
      gate.taken()
      yield item as T
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    gate.open()
    call.cancel()
  }
}

/** Holds messages back, and with them HTTP/2's flow control, while `messagesMax` wait to be taken. */
function messageGate(messagesMax: number): {
  readonly interceptor: Interceptor
  taken(): void
  open(): void
} {
  let waiting = 0
  let opened = false
  let held: (() => void) | null = null
  const release = (): void => {
    const next = held
    held = null
    next?.()
  }
  const interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMessage(message, nextMessage) {
            waiting += 1
            if (opened || waiting <= messagesMax) nextMessage(message)
            else held = () => nextMessage(message)
          },
        }),
    })
  return {
    interceptor,
    taken() {
      waiting -= 1
      release()
    },
    open() {
      opened = true
      release()
    },
  }
}

function encode<I extends DescMessage>(input: I, request: MessageInitShape<I>): Buffer {
  return Buffer.from(toBinary(input, create(input, request)))
}

function same(bytes: Buffer): Buffer {
  return bytes
}

function pathOf(method: {
  readonly parent: { readonly typeName: string }
  readonly name: string
}): string {
  return `/${method.parent.typeName}/${method.name}`
}

function metadataOf(token: string | null): Metadata {
  const metadata = new Metadata()
  if (token !== null) metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

function isServiceError(reason: unknown): reason is ServiceError {
  return reason instanceof Error && 'details' in reason && 'metadata' in reason
}

/** How long to wait before a busy gateway is asked again; null: it is not that. */
function busyWaitMs(reason: unknown): number | null {
  if (!isServiceError(reason) || trailerCodeOf(reason) !== 'busy') return null
  const toldMs = Number(reason.metadata.get('retry-after')[0] ?? Number.NaN) * 1_000
  const waitMs = toldMs >= 0 ? Math.min(toldMs, busyWaitMsMax) : busyWaitMsDefault
  return waitMs * (1 + busyWaitSpread * Math.random())
}

function trailerCodeOf(error: ServiceError): string | null {
  const value = error.metadata.get('spillway-code')[0]
  return value === undefined ? null : value.toString()
}

function errorOf(reason: unknown, address: string): ConnectorError {
  if (!isServiceError(reason)) return ConnectorError.from(reason)
  const { code, details } = reason
  return errorOfStatus({ code, details, trailerCode: trailerCodeOf(reason) }, address, reason)
}
