import { createCipheriv, randomUUID } from 'node:crypto'
import {
  Binary,
  Bool,
  DateDay,
  DateMillisecond,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { decodeSchema, encodeBlock } from '../../service/athena/arrow-blocks.ts'
import { encodeBatch, encodeSchema } from '../../service/athena/arrow-messages.ts'
import { recordBatch } from '../../service/athena/column-data.ts'
import type { ConnectorFunction } from '../../service/athena/invoke.ts'
import type { BlockJson, EncryptionKeyJson, SplitJson } from '../../service/athena/responses.ts'
import type { Value } from '../../service/athena/rows.ts'
import type { SpillReader } from '../../service/athena/spilled-blocks.ts'
import { packUtc } from '../../service/athena/time-zones.ts'

/** Spilled objects by `bucket/key`. */
export type SpilledObjects = Map<string, Uint8Array>

/** A way in which the connector is wrong: what it does to right answers and right objects. */
export interface Defect {
  answer?(answer: Answer, event: ReferenceEvent): unknown
  /** Bytes of one spilled record batch message before they are encrypted. */
  object?(message: Buffer): Buffer
  /** The key that spilled objects are encrypted with, when it is not the split's. */
  key?: EncryptionKeyJson
  throws?(event: ReferenceEvent): Error | undefined
}

export interface ReferenceOptions {
  readonly objects: SpilledObjects
  /** Default 3 splits of 10 rows. */
  readonly splitCount?: number
  readonly splitRows?: number
  /** Blocks per split; 0: inline. */
  readonly spilledBlocks?: number
  /** Length of each split's key in bytes; 0: none. */
  readonly keyBytes?: 0 | 16 | 24 | 32
  readonly splitsPerPage?: number
  readonly obeysLimit?: boolean
  readonly defect?: Defect
}

export type Answer = Record<string, unknown>

/** The parts of events that the connector looks at. */
export interface ReferenceEvent {
  readonly '@type': string
  readonly catalogName: string
  readonly queryId: string
  readonly tableName: { readonly schemaName: string; readonly tableName: string }
  readonly schema: string
  readonly schemaName: string
  readonly nextToken: string | null
  readonly pageSize: number
  readonly continuationToken: string | null
  readonly partitions: BlockJson
  readonly constraints: { readonly limit?: number; readonly summary: Record<string, unknown> }
  readonly split: SplitJson
}

export const referenceTables = ['all_types', 'b', 'c', 'd', 'e']

const field = (name: string, type: DataType) => new Field(name, type, true)
const entries = new Field(
  'entries',
  new Struct<{ key: Utf8; value: Int32 }>([
    new Field('key', new Utf8(), false),
    new Field('value', new Int32(), true),
  ]),
  false,
)

export const referenceSchema = new Schema([
  field('id', new Int64()),
  field('small', new Int16()),
  field('flag', new Bool()),
  field('ratio', new Float32()),
  field('score', new Float64()),
  field('amount', new Decimal(2, 12, 128)),
  field('name', new Utf8()),
  field('raw', new Binary()),
  field('day', new DateDay()),
  field('at', new DateMillisecond()),
  field('zoned', new TimestampMillisecond('UTC')),
  field('tags', new List(field('item', new Utf8()))),
  field(
    'point',
    new Struct<{ x: Int32; y: Utf8 }>([
      new Field('x', new Int32(), true),
      new Field('y', new Utf8(), true),
    ]),
  ),
  field('attributes', new Map_(entries)),
])

/** Row `n` of the table; every seventh is null but for its id. */
export function referenceRow(n: number): Value[] {
  const id = BigInt(n)
  if (n % 7 === 6) return [id, ...referenceSchema.fields.slice(1).map(() => null)]
  const cents = String(n % 100).padStart(2, '0')
  return [
    id,
    n % 1000,
    n % 2 === 0,
    n / 8,
    n / 3,
    `${n % 2 === 0 ? '' : '-'}${n}.${cents}`,
    `name ${n % 5}`,
    Buffer.from([n % 256, 0, 255]),
    19_000 + n,
    1_709_210_096_789n + id,
    packUtc(1_709_210_096_789n - id),
    ['a', `tag ${n}`],
    { x: n, y: n % 3 === 0 ? null : 'y' },
    [[`key ${n}`, n]],
  ]
}

/** A right connector of one table, wrong only as its defect says. */
export function referenceConnector(options: ReferenceOptions): ConnectorFunction {
  const { defect } = options
  return async (given) => {
    const event = given as ReferenceEvent
    const error = defect?.throws?.(event)
    if (error !== undefined) throw error
    const answer = answers(event, options)
    return defect?.answer === undefined ? answer : defect.answer(answer, event)
  }
}

/** Reads what the connector spilled. */
export function mapSpillReader(objects: SpilledObjects): SpillReader {
  return {
    async read({ bucket, key }) {
      const object = objects.get(`${bucket}/${key}`)
      if (object === undefined) throw new Error(`no object ${bucket}/${key}`)
      return object
    },
  }
}

function answers(event: ReferenceEvent, options: ReferenceOptions): Answer {
  const { catalogName, queryId, tableName } = event
  switch (event['@type']) {
    case 'PingRequest':
      return {
        '@type': 'PingResponse',
        catalogName,
        queryId,
        sourceType: 'reference',
        capabilities: 24,
        serDeVersion: 5,
      }
    case 'GetDataSourceCapabilitiesRequest':
      return {
        '@type': 'GetDataSourceCapabilitiesResponse',
        catalogName,
        capabilities: options.obeysLimit
          ? { supports_limit_pushdown: [{ subType: 'integer_constant', properties: [] }] }
          : {},
      }
    case 'ListSchemasRequest':
      return { '@type': 'ListSchemasResponse', catalogName, schemas: ['reference', 'other'] }
    case 'ListTablesRequest':
      return listTables(event)
    case 'GetTableRequest':
      return {
        '@type': 'GetTableResponse',
        catalogName,
        tableName,
        schema: encodeSchema(referenceSchema, 'modern').toString('base64'),
        partitionColumns: [],
      }
    case 'GetTableLayoutRequest':
      return {
        '@type': 'GetTableLayoutResponse',
        catalogName,
        tableName,
        partitions: encodeBlock(new Schema([field('partitionid', new Int32())]), [[1]], 'modern'),
      }
    case 'GetSplitsRequest':
      return getSplits(event, options)
    case 'ReadRecordsRequest':
      return readRecords(event, options)
    default:
      throw new Error(`unknown @type ${event['@type']}`)
  }
}

function listTables({ catalogName, schemaName, nextToken, pageSize }: ReferenceEvent): Answer {
  const start = Number(nextToken ?? 0)
  const end = pageSize < 0 ? referenceTables.length : start + pageSize
  return {
    '@type': 'ListTablesResponse',
    tables: referenceTables.slice(start, end).map((tableName) => ({ schemaName, tableName })),
    catalogName,
    nextToken: end < referenceTables.length ? String(end) : null,
  }
}

function getSplits(event: ReferenceEvent, options: ReferenceOptions): Answer {
  const { splitCount = 3, splitsPerPage = 2, keyBytes = 32 } = options
  const start = Number(event.continuationToken ?? 0)
  const end = Math.min(splitCount, start + splitsPerPage)
  return {
    '@type': 'GetSplitsResponse',
    catalogName: event.catalogName,
    splits: Array.from({ length: end - start }, (_, index) => ({
      spillLocation: {
        '@type': 'S3SpillLocation',
        bucket: 'spill',
        key: `prefix/${event.queryId}/${randomUUID()}`,
        directory: true,
      },
      encryptionKey: keyBytes === 0 ? null : splitKey(keyBytes, start + index),
      properties: { split: String(start + index) },
    })),
    continuationToken: end < splitCount ? String(end) : null,
  }
}

export function splitKey(keyBytes: number, number: number): EncryptionKeyJson {
  return {
    key: Buffer.alloc(keyBytes, number + 1).toString('base64'),
    nonce: Buffer.alloc(12, number + 101).toString('base64'),
  }
}

function readRecords(event: ReferenceEvent, options: ReferenceOptions): Answer {
  const { splitRows = 10, spilledBlocks = 0 } = options
  const { catalogName, split } = event
  const schema = decodeSchema(event.schema, 'the schema')
  const start = Number(split.properties['split']) * splitRows
  const limit = options.obeysLimit ? (event.constraints.limit ?? -1) : -1
  const count = limit < 0 ? splitRows : Math.min(limit, splitRows)
  const rows = Array.from({ length: count }, (_, row) => project(schema, referenceRow(start + row)))
  if (spilledBlocks === 0)
    return {
      '@type': 'ReadRecordsResponse',
      catalogName,
      records: encodeBlock(schema, rows, 'modern'),
    }
  const blockRows = Math.ceil(rows.length / spilledBlocks)
  return {
    '@type': 'RemoteReadRecordsResponse',
    catalogName,
    schema: event.schema,
    remoteBlocks: Array.from({ length: spilledBlocks }, (_, number) =>
      spill(
        event,
        options,
        number,
        recordsOf(schema, rows.slice(number * blockRows, (number + 1) * blockRows)),
      ),
    ),
    encryptionKey: split.encryptionKey,
  }
}

function recordsOf(schema: Schema, rows: readonly Value[][]): Buffer {
  return encodeBatch(recordBatch(schema, rows), 'legacy')
}

function project(schema: Schema, row: readonly Value[]): Value[] {
  return schema.fields.map(
    ({ name }) => row[referenceSchema.fields.findIndex((field) => field.name === name)] ?? null,
  )
}

function spill(event: ReferenceEvent, options: ReferenceOptions, number: number, message: Buffer) {
  const { defect, objects } = options
  const base = event.split.spillLocation
  const bucket = base?.bucket ?? 'spill'
  const key = `${base?.key ?? 'nowhere'}.${number}`
  const clear = defect?.object?.(message) ?? message
  const encryptionKey = defect?.key ?? event.split.encryptionKey
  objects.set(`${bucket}/${key}`, encryptionKey === null ? clear : encrypt(clear, encryptionKey))
  return { '@type': 'S3SpillLocation', bucket, key, directory: false }
}

function encrypt(clear: Buffer, { key, nonce }: EncryptionKeyJson): Buffer {
  const bytes = Buffer.from(key, 'base64')
  const algorithm = `aes-${bytes.byteLength * 8}-gcm` as 'aes-256-gcm'
  const cipher = createCipheriv(algorithm, bytes, Buffer.from(nonce, 'base64'))
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()])
}
