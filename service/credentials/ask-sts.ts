import { XMLParser } from 'fast-xml-parser'
import { GatewayError } from '../errors.ts'
import type { HttpAnswer } from './ask-http.ts'
import { askHttp } from './ask-http.ts'
import { Secret } from './secret.ts'
import type { StoreCredentials } from './store-credentials.ts'

/** Where sessions are given out: MinIO does so at its own address. */
export interface StsAddress {
  /** `http(s)://host[:port]`. */
  readonly url: string
  /** PEM. */
  readonly certificateAuthority?: string
  readonly nowMs: () => number
}

export interface StsRequest {
  readonly action: 'AssumeRole' | 'AssumeRoleWithWebIdentity'
  readonly parameters: Readonly<Record<string, string>>
  /** The headers that sign this body; absent: none are needed. */
  readonly sign?: (url: URL, body: string) => Readonly<Record<string, string>>
}

/** Why the STS gave none. */
export interface StsRefusal {
  readonly status: number
  /** The STS's own word, e.g. `InvalidParameterValue`; empty when it gave none. */
  readonly code: string
  readonly message: string
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false })
/** Of somebody else's message. */
const MESSAGE_LENGTH_MAX = 300

/**
 * Asks for a session by POST, its parameters in the body: what stands in a URL ends in logs.
 *
 * @throws {GatewayError} `unavailable` no answer, or one that is none of an STS; `cancelled` the signal aborted.
 */
export async function askSts(
  request: StsRequest,
  address: StsAddress,
  signal: AbortSignal,
): Promise<StoreCredentials | StsRefusal> {
  const { action, parameters, sign } = request
  const url = new URL('/', address.url)
  const form = { Version: '2011-06-15', Action: action, ...parameters }
  const body = new URLSearchParams(form).toString()
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...sign?.(url, body),
  }
  const { certificateAuthority } = address
  const answer = await askHttp(
    {
      method: 'POST',
      url,
      headers,
      body,
      name: 'the STS',
      ...(certificateAuthority !== undefined && { certificateAuthority }),
    },
    signal,
  )
  if (answer.status !== 200) return refusalOf(answer)
  const result = childOf(parse(answer.text), `${action}Response`, `${action}Result`, 'Credentials')
  const session = sessionOf(result, answer, address.nowMs())
  if (session !== undefined) return session
  throw new GatewayError(
    'unavailable',
    `${address.url} answered ${action} with something that is no session; check that it is an STS`,
  )
}

export function isStsRefusal(answer: StoreCredentials | StsRefusal): answer is StsRefusal {
  return 'status' in answer
}

/** The refusal as text, e.g. `400 InvalidParameterValue: Token is expired`. */
export function saidBySts({ status, code, message }: StsRefusal): string {
  const word = code === '' ? String(status) : `${status} ${code}`
  return message === '' ? word : `${word}: ${message}`
}

function sessionOf(
  result: unknown,
  answer: HttpAnswer,
  nowMs: number,
): StoreCredentials | undefined {
  const accessKey = textOf(result, 'AccessKeyId')
  const secretKey = textOf(result, 'SecretAccessKey')
  const sessionToken = textOf(result, 'SessionToken')
  const expiration = Date.parse(textOf(result, 'Expiration'))
  if (accessKey === '' || secretKey === '' || Number.isNaN(expiration)) return undefined
  // By our clock: theirs may be minutes ahead or behind.
  const aheadMs = answer.dateMs === undefined ? 0 : answer.dateMs - nowMs
  const isSkewed = Math.abs(aheadMs) > CLOCK_NOISE_MS
  return {
    accessKey,
    secretKey: new Secret(secretKey),
    ...(sessionToken !== '' && { sessionToken: new Secret(sessionToken) }),
    expiresMs: expiration - (isSkewed ? aheadMs : 0),
  }
}

/** HTTP dates are whole seconds, and the answer takes a moment. */
const CLOCK_NOISE_MS = 2_000

function refusalOf({ status, text }: HttpAnswer): StsRefusal {
  const root = parse(text)
  const error = childOf(root, 'ErrorResponse', 'Error') ?? childOf(root, 'Error')
  const message = textOf(error, 'Message').replace(/[^\x20-\x7e]+/g, ' ')
  const code = textOf(error, 'Code')
  return {
    status,
    code: /^[A-Za-z.]{1,64}$/.test(code) ? code : '',
    message: message.slice(0, MESSAGE_LENGTH_MAX),
  }
}

function parse(text: string): unknown {
  try {
    return parser.parse(text)
  } catch {
    // Not XML: the parser's message would quote it.
    return undefined
  }
}

function childOf(node: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>((parent, name) => {
    if (typeof parent !== 'object' || parent === null) return undefined
    return new Map(Object.entries(parent)).get(name)
  }, node)
}

function textOf(node: unknown, name: string): string {
  const value = childOf(node, name)
  return typeof value === 'string' ? value : ''
}
