import type { ArrowType, Field } from '../../service/arrow/arrow-type.ts'
import type { Canonical } from './columns-canonical.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** Canonical rows of NDJSON as the gateway writes it. */
export function rowsFromNdjson(fields: readonly Field[], text: string): Canonical[][] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line is not ended')
  const row: ArrowType = { kind: 'struct', children: fields }
  return lines.map((line) => {
    const found = canonicalJson(row, parseExact(line)) as Record<string, Canonical>
    return Object.keys(found).length === fields.length
      ? fields.map(({ name }) => found[name] ?? null)
      : fail(`${line} has not all columns`)
  })
}

/** Canonical rows of CSV as the gateway writes it. */
export function rowsFromCsv(fields: readonly Field[], text: string): Canonical[][] {
  const [head, ...records] = csvRecords(text)
  const names = (head ?? []).map((cell) => cell ?? '')
  if (names.join('\n') !== fields.map(({ name }) => name).join('\n')) fail('other columns')
  return records.map((cells) =>
    fields.map(({ type }, at) => canonicalCell(type, cells[at] ?? null)),
  )
}

function canonicalCell(type: ArrowType, cell: string | null): Canonical {
  if (cell === null) return null
  switch (type.kind) {
    case 'bool':
      return cell === 'true' ? true : cell === 'false' ? false : fail(cell)
    case 'int':
    case 'float':
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
    case 'struct':
    case 'map':
      return canonicalJson(type, /^-?(?:NaN|Infinity)$/.test(cell) ? cell : parseExact(cell))
    default:
      return canonicalJson(type, cell)
  }
}

function canonicalJson(type: ArrowType, value: Json): Canonical {
  if (value === null) return null
  switch (type.kind) {
    case 'binary':
    case 'large_binary':
      return hex(Buffer.from(textOf(value), 'base64'))
    case 'fixed_size_binary':
      return fixedBytes(textOf(value), type.byteWidth)
    case 'time':
    case 'timestamp':
      return textOf(value).replace(/(:\d\d)(?:\.(\d+))?(Z?)$/, (_, seconds, fraction = '', zone) =>
        [seconds, '.', String(fraction).padEnd(9, '0'), zone].join(''),
      )
    case 'duration':
      return durationNanoseconds(textOf(value))
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return (value as readonly Json[]).map((item) => canonicalJson(type.child.type, item))
    case 'struct': {
      const parts = value as Record<string, Json>
      return Object.fromEntries(
        type.children.map((child) => [
          child.name,
          canonicalJson(child.type, parts[child.name] ?? null),
        ]),
      )
    }
    case 'map':
      return canonicalMap(type.entries.type, value)
    default:
      return value
  }
}

function canonicalMap(type: ArrowType, value: Json): Canonical {
  if (type.kind !== 'struct') return fail('a map without entries')
  const entries = Array.isArray(value) ? value : Object.entries(value as Record<string, Json>)
  return entries.map((entry: readonly Json[]) =>
    type.children.map((child, at) => canonicalJson(child.type, entry[at] ?? null)),
  )
}

function fixedBytes(text: string, byteWidth: number): string {
  const isUuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text)
  const bytes = isUuid ? Buffer.from(text.replaceAll('-', ''), 'hex') : Buffer.from(text, 'base64')
  return bytes.length === byteWidth ? hex(bytes) : fail(text)
}

function durationNanoseconds(text: string): number | string {
  const [, sign, seconds = '', fraction = ''] = /^(-?)PT(\d+)(?:\.(\d+))?S$/.exec(text) ?? []
  const value = BigInt(seconds + fraction.padEnd(9, '0')) * (sign === '-' ? -1n : 1n)
  return value < 2n ** 53n && value > -(2n ** 53n) ? Number(value) : String(value)
}

function hex(bytes: Buffer): string {
  return `0x${bytes.toString('hex')}`
}

/** JSON whose integers beyond a double's are kept as text, and -0 as canonical rows have it. */
function parseExact(text: string): Json {
  const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
  const exact = text.replaceAll(tokens, (token) => {
    if (token.startsWith('"')) return token
    if (token === '-0') return '"-0.0"'
    const isSafe = !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))
    return isSafe ? token : `"${token}"`
  })
  return JSON.parse(exact) as Json
}

/** Cells by record; null where nothing stands between the commas. */
function csvRecords(text: string): (string | null)[][] {
  const records: (string | null)[][] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  let record: (string | null)[] = []
  for (let at = 0; at < text.length; at = cell.lastIndex) {
    cell.lastIndex = at
    const found = cell.exec(text)
    if (!found) return fail(`no CSV: ${text.slice(at, at + 50)}`)
    const [, quoted, plain, end] = found
    record.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    records.push(record)
    record = []
  }
  return record.length === 0 ? records : fail('the last record is not ended')
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : fail(JSON.stringify(value))
}

function fail(what: string): never {
  throw new Error(what)
}
