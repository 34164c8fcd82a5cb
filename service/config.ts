import type { DecoderEngine } from './decode/decoder-engine.ts'
import { decoderEngines } from './decode/decoder-engine.ts'
import type { StoreSource } from './credentials/store-source.ts'
import { Secret } from './credentials/secret.ts'

export interface Address {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** Everything an operator can set. Parts (store, clock, registry) are never in here. */
export interface Config {
  readonly http: Address
  readonly grpc: Address
  readonly tls: TlsFiles | undefined
  readonly store: StoreSource
  readonly bucketPrefix: string
  readonly tablesPath: string
  readonly listingTtlMs: number
  /** Base64 of 32 bytes each: the first seals, all open. Empty: a random key. */
  readonly ticketKeys: readonly Secret[]
  readonly logLevel: string
  /** Decode workers; 0: one less than the cores, at least one. */
  readonly workers: number
  readonly decoder: DecoderEngine
  /** What scans may use; 0: half of the container's memory. */
  readonly memoryBytes: number
  /** How long a row group that cost a worker is refused. */
  readonly quarantineMs: number
  readonly footerCacheBytesMax: number
  /** What is kept over restarts; absent: nothing. */
  readonly cacheDirectory: string | undefined
  readonly cacheDirectoryBytesMax: number
  /** Which files make a table's schema. */
  readonly schemaMode: 'sample' | 'full'
  readonly splitBytesTarget: number
  readonly shutdownTimeoutMs: number
}

export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
  readonly clientAuthorityFile: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** All that is wrong with the settings, at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `${problems.length} wrong setting(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const MEBIBYTE = 1024 * 1024
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Every SPILLWAY_ name the gateway reads. */
const names = new Set([
  'SPILLWAY_HTTP_ADDRESS',
  'SPILLWAY_GRPC_ADDRESS',
  'SPILLWAY_STORE_URL',
  'SPILLWAY_STORE_ACCESS_KEY',
  'SPILLWAY_STORE_SECRET_KEY',
  'SPILLWAY_STORE_SESSION_TOKEN',
  'SPILLWAY_STORE_CA_FILE',
  'SPILLWAY_STORE_REGION',
  'SPILLWAY_TLS_CERT_FILE',
  'SPILLWAY_TLS_KEY_FILE',
  'SPILLWAY_TLS_CLIENT_CA_FILE',
  'SPILLWAY_TICKET_KEYS',
  'SPILLWAY_ALLOW_ANONYMOUS',
  'SPILLWAY_LISTING_TTL',
  'SPILLWAY_LOG_LEVEL',
  'SPILLWAY_WORKERS',
  'SPILLWAY_DECODER',
  'SPILLWAY_MEMORY_BYTES',
  'SPILLWAY_QUARANTINE',
  'SPILLWAY_FOOTER_CACHE_BYTES',
  'SPILLWAY_CACHE_DIRECTORY',
  'SPILLWAY_CACHE_DIRECTORY_BYTES',
  'SPILLWAY_SCHEMA_MODE',
  'SPILLWAY_SPLIT_BYTES',
  'SPILLWAY_SHUTDOWN_TIMEOUT',
])

/** Names whose meaning is published but which this version cannot honour: better refused than ignored. */
const notYet = new Set([
  'SPILLWAY_STORE_TOKEN_FILE',
  'SPILLWAY_STORE_STS_URL',
  'SPILLWAY_STORE_ROLE_ARN',
  'SPILLWAY_CALLERS_FILE',
])

/** Names that belong to the shim, the tests and the demo: allowed beside ours. */
const foreign =
  /^SPILLWAY_(TEST_|REQUIRE_|DEMO_|GATEWAY$|GATEWAY_CA_FILE$|TOKEN$|TOKEN_SECRET$|SPILL_PATH_STYLE$)/

/**
 * The environment as a Config. Pure.
 *
 * @throws {ConfigError} every problem: the name, what was given, what is expected.
 */
export function readConfig(env: Environment): Config {
  const read = new Reader(env)
  read.refuseUnknown()
  const allowAnonymous = read.boolean('SPILLWAY_ALLOW_ANONYMOUS', false)
  const config: Config = {
    http: read.address('SPILLWAY_HTTP_ADDRESS', '127.0.0.1:8080'),
    grpc: read.address('SPILLWAY_GRPC_ADDRESS', '127.0.0.1:8815'),
    tls: tlsFiles(read),
    store: storeSource(read),
    bucketPrefix: read.text('BUCKET_PREFIX', ''),
    tablesPath: read.text('TABLES_PATH', '').replace(/^\/+|\/+$/g, ''),
    listingTtlMs: read.duration('SPILLWAY_LISTING_TTL', '2s'),
    ticketKeys: ticketKeys(read),
    logLevel: read.oneOf('SPILLWAY_LOG_LEVEL', logLevels, 'info'),
    workers: read.count('SPILLWAY_WORKERS', 0, 256),
    decoder: read.oneOf('SPILLWAY_DECODER', decoderEngines, 'auto'),
    memoryBytes: memoryBytes(read),
    quarantineMs: read.duration('SPILLWAY_QUARANTINE', '10m'),
    footerCacheBytesMax: read.size('SPILLWAY_FOOTER_CACHE_BYTES', '256MiB', MEBIBYTE),
    cacheDirectory: read.text('SPILLWAY_CACHE_DIRECTORY', '') || undefined,
    cacheDirectoryBytesMax: read.size('SPILLWAY_CACHE_DIRECTORY_BYTES', '1GiB', MEBIBYTE),
    schemaMode: read.oneOf('SPILLWAY_SCHEMA_MODE', ['sample', 'full'], 'sample'),
    splitBytesTarget: read.size('SPILLWAY_SPLIT_BYTES', '128MiB', MEBIBYTE),
    shutdownTimeoutMs: read.duration('SPILLWAY_SHUTDOWN_TIMEOUT', '30s'),
  }
  if (!allowAnonymous) refuseOpenDoors(read, config)
  if (read.problems.length > 0) throw new ConfigError(read.problems)
  return config
}

/** Below this not even one worker has room for two of Athena's blocks and a row group. */
const MEMORY_BYTES_LEAST = 128 * MEBIBYTE

function memoryBytes(read: Reader): number {
  const isGiven = read.text('SPILLWAY_MEMORY_BYTES', '0') !== '0'
  return isGiven ? read.size('SPILLWAY_MEMORY_BYTES', '0', MEMORY_BYTES_LEAST) : 0
}

function refuseOpenDoors(read: Reader, config: Config): void {
  const doors = { SPILLWAY_HTTP_ADDRESS: config.http, SPILLWAY_GRPC_ADDRESS: config.grpc }
  for (const [name, { host }] of Object.entries(doors)) {
    if (isLoopback(host)) continue
    read.problem(
      name,
      host,
      'a loopback address, since nobody is asked who they are; set SPILLWAY_ALLOW_ANONYMOUS=true to serve everybody',
    )
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function tlsFiles(read: Reader): TlsFiles | undefined {
  const certificateFile = read.text('SPILLWAY_TLS_CERT_FILE', '')
  const keyFile = read.text('SPILLWAY_TLS_KEY_FILE', '')
  const clientAuthorityFile = read.text('SPILLWAY_TLS_CLIENT_CA_FILE', '') || undefined
  if ((certificateFile === '') !== (keyFile === '')) {
    read.problem(
      'SPILLWAY_TLS_CERT_FILE',
      certificateFile,
      'set together with SPILLWAY_TLS_KEY_FILE',
    )
  }
  if (certificateFile === '' && clientAuthorityFile !== undefined) {
    read.problem(
      'SPILLWAY_TLS_CLIENT_CA_FILE',
      clientAuthorityFile,
      'set only with SPILLWAY_TLS_CERT_FILE',
    )
  }
  return certificateFile === '' ? undefined : { certificateFile, keyFile, clientAuthorityFile }
}

function storeSource(read: Reader): StoreSource {
  const url = read.text('SPILLWAY_STORE_URL', '')
  const secretName = read.text('AWS_SECRET', '') || undefined
  const region = read.text('SPILLWAY_STORE_REGION', 'us-east-1')
  const caFile = read.text('SPILLWAY_STORE_CA_FILE', '') || undefined
  const accessKey = read.text('SPILLWAY_STORE_ACCESS_KEY', '')
  const secretKey = read.secret('SPILLWAY_STORE_SECRET_KEY')
  const sessionToken = read.secret('SPILLWAY_STORE_SESSION_TOKEN')
  const scheme = read.oneOf('SCHEME', ['http', 'https'], 'https')
  if (url.startsWith('file:'))
    return { kind: 'file', url: read.url('SPILLWAY_STORE_URL', ['file:']) }
  if (url === '' && secretName === undefined) {
    read.problem(
      'SPILLWAY_STORE_URL',
      url,
      'http(s)://host[:port] or file:///folder, or AWS_SECRET with a server',
    )
  }
  if ((accessKey === '') !== (secretKey === undefined)) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'set together with SPILLWAY_STORE_SECRET_KEY',
    )
  }
  if (accessKey === '' && secretName === undefined) {
    read.problem(
      'SPILLWAY_STORE_ACCESS_KEY',
      accessKey,
      'an access key with SPILLWAY_STORE_SECRET_KEY, or AWS_SECRET',
    )
  }
  const connection = { kind: 's3', region, caFile, scheme } as const
  const where = url === '' ? {} : { url: read.url('SPILLWAY_STORE_URL', ['http:', 'https:']) }
  if (accessKey !== '' && secretKey) {
    return {
      ...connection,
      ...where,
      static: { accessKey, secretKey, ...(sessionToken && { sessionToken }) },
    }
  }
  return { ...connection, ...where, ...(secretName !== undefined && { secretName }) }
}

function ticketKeys(read: Reader): readonly Secret[] {
  const given = read.text('SPILLWAY_TICKET_KEYS', '')
  const keys = given === '' ? [] : given.split(',').map((key) => key.trim())
  for (const [index, key] of keys.entries()) {
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(key) && Buffer.from(key, 'base64').length === 32) continue
    read.problem(
      'SPILLWAY_TICKET_KEYS',
      `key ${index + 1}, not shown`,
      'base64 of 32 bytes, comma-separated',
    )
  }
  return keys.map((key) => new Secret(key))
}

/** Reads settings one by one and remembers what is wrong with them. */
class Reader {
  readonly problems: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  problem(name: string, given: string, expected: string): void {
    this.problems.push(`${name}: got ${JSON.stringify(given)}, expected ${expected}`)
  }

  refuseUnknown(): void {
    for (const [name, value] of Object.entries(this.#env)) {
      if (!name.startsWith('SPILLWAY_') || value === undefined) continue
      if (notYet.has(name)) {
        this.problems.push(`${name}: this version cannot honour it yet; remove it`)
      } else if (!names.has(name) && !foreign.test(name)) {
        this.problems.push(`${name}: no such setting${nearest(name)}`)
      }
    }
  }

  text(name: string, standard: string): string {
    const value = this.#env[name]?.trim()
    return value === undefined || value === '' ? standard : value
  }

  secret(name: string): Secret | undefined {
    const value = this.text(name, '')
    return value === '' ? undefined : new Secret(value)
  }

  boolean(name: string, standard: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], String(standard)) === 'true'
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], standard: Choice): Choice {
    const value = this.text(name, standard).toLowerCase()
    const choice = choices.find((candidate) => candidate === value)
    if (choice === undefined) this.problem(name, value, choices.join(' | '))
    return choice ?? standard
  }

  count(name: string, standard: number, most: number): number {
    const value = this.text(name, String(standard))
    const count = Number(value)
    if (Number.isInteger(count) && count >= 0 && count <= most) return count
    this.problem(name, value, `a whole number from 0 to ${most}`)
    return standard
  }

  duration(name: string, standard: string): number {
    const value = this.text(name, standard)
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? '']
    if (match && unitMs !== undefined) return Number(match[1]) * unitMs
    this.problem(name, value, 'a duration such as 500ms, 15s, 2m or 1h')
    return 0
  }

  size(name: string, standard: string, least: number): number {
    const value = this.text(name, standard)
    const match = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(value)
    const unit = { B: 1, KiB: 1024, MiB: MEBIBYTE, GiB: 1024 * MEBIBYTE }[match?.[2] ?? 'B'] ?? 1
    const bytes = match ? Number(match[1]) * unit : Number.NaN
    if (bytes >= least && Number.isSafeInteger(bytes)) return bytes
    this.problem(name, value, `a size of at least ${least} bytes, such as 64MiB`)
    return least
  }

  address(name: string, standard: string): Address {
    const value = this.text(name, standard)
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(value)
    const port = Number(match?.[3])
    const host = match?.[1] ?? match?.[2]
    if (host !== undefined && port <= 65_535) return { host, port }
    this.problem(name, value, 'host:port, port 0 for any free one')
    return { host: '127.0.0.1', port: 0 }
  }

  url(name: string, protocols: readonly string[]): string {
    const value = this.text(name, '')
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (url && url.username === '' && url.password === '' && protocols.includes(url.protocol)) {
      return url.protocol === 'file:' ? url.href : url.origin
    }
    const shown =
      url && (url.username !== '' || url.password !== '') ? 'a URL with credentials in it' : value
    this.problem(name, shown, 'http(s)://host[:port] or file:///folder, credentials apart')
    return 'http://127.0.0.1'
  }
}

/** ` (did you mean …?)` for a name one or two letters off. */
function nearest(name: string): string {
  const candidates = [...names].map((known) => ({ known, distance: editDistance(name, known) }))
  const best = candidates.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= 3 ? ` (did you mean ${best.known}?)` : ''
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1] ? 0 : 1
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + same,
        ),
      )
    }
    previous = current
  }
  return previous[right.length] ?? 0
}
