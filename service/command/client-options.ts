import { parseArgs } from 'node:util'
import type { Environment } from '../config.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { TableRequest } from '../query/table-request.ts'
import { ENDPOINTS_MAX } from '../query/table-request.ts'

/** Commands that ask a gateway, or a folder, for tables. */
export const clientCommands = ['tables', 'describe', 'plan', 'read'] as const
export type ClientCommand = (typeof clientCommands)[number]

/** Where tables come from. */
export type Origin =
  | { readonly kind: 'folder'; readonly folder: string }
  | {
      readonly kind: 'gateway'
      /** `host:port`. */
      readonly address: string
      readonly token: string | undefined
      /** Present: over TLS. Paths of PEM files, each optional. */
      readonly tls?: {
        readonly authorityFile: string | undefined
        readonly certificateFile: string | undefined
        readonly keyFile: string | undefined
      }
    }

export const outputFormats = ['table', 'csv', 'json', 'arrow'] as const
export type OutputFormat = (typeof outputFormats)[number]

export interface ClientOptions {
  readonly origin: Origin
  /** Of `tables`: the schema, where one is named. */
  readonly schema: string | undefined
  /** Of the other commands. */
  readonly request: TableRequest
  /** Undefined: a table for a terminal, CSV for anything else. */
  readonly format: OutputFormat | undefined
  readonly outputFile: string | undefined
}

/** What is wrong with the words of a command. */
export class UsageError extends Error {}

const originOptions = {
  gateway: { type: 'string' },
  token: { type: 'string' },
  tls: { type: 'boolean' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  local: { type: 'string' },
} as const
const requestOptions = {
  columns: { type: 'string' },
  where: { type: 'string' },
  limit: { type: 'string' },
} as const
const planOptions = { endpoints: { type: 'string' } } as const
const readOptions = { format: { type: 'string' }, output: { type: 'string' } } as const
const allOptions = { ...originOptions, ...requestOptions, ...planOptions, ...readOptions } as const
type Values = { readonly [name in keyof typeof allOptions]?: string | boolean }

const optionsOf: Readonly<Record<ClientCommand, Partial<typeof allOptions>>> = {
  tables: originOptions,
  describe: originOptions,
  plan: { ...originOptions, ...requestOptions, ...planOptions },
  read: { ...originOptions, ...requestOptions, ...readOptions },
}

/**
 * The words behind a command.
 *
 * @throws {UsageError} they are not understood.
 */
export function clientOptions(
  command: ClientCommand,
  words: readonly string[],
  env: Environment,
): ClientOptions {
  const { values, positionals } = parsed(command, words)
  const [place, ...more] = positionals
  if (more.length > 0) throw new UsageError(`${command} does not know ${more.join(' ')}`)
  if (place === undefined && command !== 'tables') {
    throw new UsageError(`${command} needs a table, as SCHEMA.TABLE`)
  }
  return {
    origin: originOf(values, env),
    schema: place,
    request: requestOf(command === 'tables' ? { schema: '', table: '' } : tableOf(place), values),
    format: formatOf(textOf(values.format)),
    outputFile: textOf(values.output),
  }
}

function parsed(command: ClientCommand, words: readonly string[]) {
  try {
    const options = optionsOf[command] as typeof allOptions
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true })
    return { values: values as Values, positionals }
  } catch (error) {
    throw new UsageError(error instanceof Error ? firstSentence(error.message) : String(error))
  }
}

/** Node's advice on dashes behind it would only confuse. */
function firstSentence(message: string): string {
  const [first = ''] = message.split(/\.\s/)
  return first.charAt(0).toLowerCase() + first.slice(1)
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Names of buckets may have points, those of folders seldom: the last one is between them. */
function tableOf(place = ''): TableName {
  const at = place.lastIndexOf('.')
  if (at <= 0 || at === place.length - 1) {
    throw new UsageError(`${JSON.stringify(place)} is no table; write SCHEMA.TABLE`)
  }
  return { schema: place.slice(0, at), table: place.slice(at + 1) }
}

function requestOf(table: TableName, values: Values): TableRequest {
  const { columns, where } = { columns: textOf(values.columns), where: textOf(values.where) }
  const limit = countOf('limit', values.limit, Number.MAX_SAFE_INTEGER)
  const endpoints = countOf('endpoints', values.endpoints, ENDPOINTS_MAX)
  return {
    table,
    ...(columns !== undefined && { columns: columns.split(',').map((name) => name.trim()) }),
    ...(where !== undefined && { filter: where }),
    ...(limit !== undefined && { limit }),
    ...(endpoints !== undefined && { endpoints }),
  }
}

function countOf(
  name: string,
  value: string | boolean | undefined,
  max: number,
): number | undefined {
  if (value === undefined) return undefined
  const count = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
  if (count <= max) return count
  throw new UsageError(`--${name} is ${String(value)}, expected a number from 0 to ${max}`)
}

function formatOf(name: string | undefined): OutputFormat | undefined {
  const format = outputFormats.find((one) => one === name)
  if (name === undefined || format) return format
  throw new UsageError(`--format is ${name}, expected ${outputFormats.join(', ')}`)
}

const GATEWAY_DEFAULT = '127.0.0.1:8815'

function originOf(values: Values, env: Environment): Origin {
  const folder = textOf(values.local)
  const given = textOf(values.gateway)
  if (folder !== undefined) {
    if (given !== undefined) throw new UsageError('--local and --gateway exclude one another')
    return { kind: 'folder', folder }
  }
  const [, scheme, address = ''] =
    /^(https?:\/\/)?([^/]+)\/?$/.exec(given ?? env['SPILLWAY_GATEWAY'] ?? GATEWAY_DEFAULT) ?? []
  if (!/:\d+$/.test(address)) {
    throw new UsageError(`the gateway is ${given ?? ''}, expected HOST:PORT`)
  }
  const files = {
    authorityFile: textOf(values['tls-ca']),
    certificateFile: textOf(values['tls-cert']),
    keyFile: textOf(values['tls-key']),
  }
  const isFile = Object.values(files).some((file) => file !== undefined)
  const isTls = values.tls === true || scheme === 'https://' || isFile
  const token = textOf(values.token) ?? env['SPILLWAY_TOKEN']
  return { kind: 'gateway', address, token, ...(isTls && { tls: files }) }
}
