import type { DecoderEngine } from './decode/decoder-engine.ts'
import { decoderEngines } from './decode/decoder-engine.ts'
import { Secret } from './credentials/secret.ts'
import type { TlsFiles } from './credentials/server-certificate.ts'
import type { StoreSource } from './credentials/store-source.ts'
import { MEBIBYTE, SettingReader } from './config/setting-reader.ts'
import type { Address, Environment } from './config/setting-reader.ts'
import { storeSource } from './config/store-settings.ts'

export type { Address, Environment } from './config/setting-reader.ts'
export type { TlsFiles } from './credentials/server-certificate.ts'

/** Everything an operator can set. Parts (store, clock, registry) are never in here. */
export interface Config {
  readonly http: Address
  readonly grpc: Address
  /** Of `/metrics` alone; absent: it is on the HTTP port. */
  readonly metrics: Address | undefined
  readonly tls: TlsFiles | undefined
  /** Who may call; absent: everybody. */
  readonly callersFile: string | undefined
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
  /** For data that is read again; 0: none. Absent: as the memory allows. */
  readonly byteCacheBytesMax: number | undefined
  /** What is kept over restarts; absent: nothing. */
  readonly cacheDirectory: string | undefined
  readonly cacheDirectoryBytesMax: number
  /** Which files make a table's schema. */
  readonly schemaMode: 'sample' | 'full'
  readonly splitBytesTarget: number
  readonly shutdownTimeoutMs: number
}

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

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * The environment as a Config. Pure.
 *
 * @throws {ConfigError} every problem: the name, what was given, what is expected.
 */
export function readConfig(env: Environment): Config {
  const read = new SettingReader(env)
  read.refuseUnknown()
  const allowAnonymous = read.boolean('SPILLWAY_ALLOW_ANONYMOUS', false)
  const callersFile = read.text('SPILLWAY_CALLERS_FILE', '') || undefined
  const config: Config = {
    callersFile,
    http: read.address('SPILLWAY_HTTP_ADDRESS', '127.0.0.1:8080'),
    grpc: read.address('SPILLWAY_GRPC_ADDRESS', '127.0.0.1:8815'),
    metrics: metricsAddress(read),
    tls: tlsFiles(read, callersFile !== undefined),
    store: storeSource(read, callersFile !== undefined),
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
    byteCacheBytesMax: byteCacheBytes(read),
    cacheDirectory: read.text('SPILLWAY_CACHE_DIRECTORY', '') || undefined,
    cacheDirectoryBytesMax: read.size('SPILLWAY_CACHE_DIRECTORY_BYTES', '1GiB', MEBIBYTE),
    schemaMode: read.oneOf('SPILLWAY_SCHEMA_MODE', ['sample', 'full'], 'sample'),
    splitBytesTarget: read.size('SPILLWAY_SPLIT_BYTES', '128MiB', MEBIBYTE),
    shutdownTimeoutMs: read.duration('SPILLWAY_SHUTDOWN_TIMEOUT', '30s'),
  }
  if (allowAnonymous && callersFile !== undefined) refuseBoth(read)
  if (!allowAnonymous && callersFile === undefined) refuseOpenDoors(read, config)
  if (read.problems.length > 0) throw new ConfigError(read.problems)
  return config
}

/** Below this not even one worker has room for two of Athena's blocks and a row group. */
const MEMORY_BYTES_LEAST = 128 * MEBIBYTE

function memoryBytes(read: SettingReader): number {
  const isGiven = read.text('SPILLWAY_MEMORY_BYTES', '0') !== '0'
  return isGiven ? read.size('SPILLWAY_MEMORY_BYTES', '0', MEMORY_BYTES_LEAST) : 0
}

function byteCacheBytes(read: SettingReader): number | undefined {
  const isGiven = read.text('SPILLWAY_BYTE_CACHE_BYTES', '') !== ''
  return isGiven ? read.size('SPILLWAY_BYTE_CACHE_BYTES', '0', 0) : undefined
}

function refuseBoth(read: SettingReader): void {
  read.problem(
    'SPILLWAY_ALLOW_ANONYMOUS',
    'true',
    'false beside SPILLWAY_CALLERS_FILE, which says who may call; remove one of the two',
  )
}

function refuseOpenDoors(read: SettingReader, config: Config): void {
  const doors = {
    SPILLWAY_HTTP_ADDRESS: config.http,
    SPILLWAY_GRPC_ADDRESS: config.grpc,
    ...(config.metrics && { SPILLWAY_METRICS_ADDRESS: config.metrics }),
  }
  for (const [name, { host }] of Object.entries(doors)) {
    if (isLoopback(host)) continue
    read.problem(
      name,
      host,
      'a loopback address, since nobody is asked who they are; set SPILLWAY_CALLERS_FILE, or SPILLWAY_ALLOW_ANONYMOUS=true to serve everybody',
    )
  }
}

function metricsAddress(read: SettingReader): Address | undefined {
  const isGiven = read.text('SPILLWAY_METRICS_ADDRESS', '') !== ''
  return isGiven ? read.address('SPILLWAY_METRICS_ADDRESS', '') : undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function tlsFiles(read: SettingReader, clientsMayBeUnknown: boolean): TlsFiles | undefined {
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
  return certificateFile === ''
    ? undefined
    : { certificateFile, keyFile, clientAuthorityFile, clientsMayBeUnknown }
}

function ticketKeys(read: SettingReader): readonly Secret[] {
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
