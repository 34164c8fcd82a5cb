import {
  bytesOf,
  fieldsOf,
  objectOf,
  optionalObjectOf,
  optionalTextOf,
  textOf,
  valueOf,
  wholeNumberOf,
  type Fields,
} from './json-fields.ts'

// Readers are lenient: any key order, unknown keys ignored, optional keys defaulted, serde versions 2 to 6 alike.
// Writers are strict: Java's parsers want exactly these keys in exactly this order.

export interface TableName {
  readonly schemaName: string
  readonly tableName: string
}

/** Rows in Athena's clothes: base64 of one Arrow schema message and of one record batch message ("" for no rows). */
export interface AthenaBlock {
  readonly aId: string
  readonly schema: string
  readonly records: string
}

/** A place in S3: a prefix that belongs to one split (`directory`), or one object. */
export interface SpillLocation {
  readonly bucket: string
  readonly key: string
  readonly directory: boolean
}

/** Both in base64. */
export interface EncryptionKey {
  readonly key: string
  readonly nonce: string
}

export interface Split {
  /** Null: nothing may be spilled. */
  readonly spillLocation: SpillLocation | null
  /** Null: spilled objects are not encrypted. */
  readonly encryptionKey: EncryptionKey | null
  readonly ticket: Uint8Array
}

/** What every request carries. */
export interface Request {
  readonly fields: Fields
  readonly catalogName: string
  /** Empty where Athena sent none. */
  readonly queryId: string
  /** ARN of the caller, or what older engines send instead. */
  readonly principal: string
  readonly account: string
  readonly configOptions: ReadonlyMap<string, string>
}

/** @throws {ConnectorError} invalid_request, naming the missing or wrong key */
export function readRequest(event: unknown, type: string): Request {
  const fields = fieldsOf(event, type)
  const identity = optionalObjectOf(fields, 'identity')
  const caller = (key: string): string =>
    identity === null ? '' : (optionalTextOf(identity, key) ?? '')
  return {
    fields,
    catalogName: optionalTextOf(fields, 'catalogName') ?? '',
    queryId: optionalTextOf(fields, 'queryId') ?? '',
    principal: caller('arn') || caller('principal'),
    account: caller('account'),
    configOptions: readTexts(
      identity === null ? null : optionalObjectOf(identity, 'configOptions'),
    ),
  }
}

/** @throws {ConnectorError} invalid_request */
export function readTableName(request: Request): TableName {
  const name = objectOf(request.fields, 'tableName')
  return { schemaName: textOf(name, 'schemaName'), tableName: textOf(name, 'tableName') }
}

/** Athena's constraints as they came, as JSON; their meaning is the gateway's affair. */
export function readConstraintsJson(request: Request): string {
  return JSON.stringify(valueOf(request.fields, 'constraints') ?? {})
}

/** @throws {ConnectorError} invalid_request */
export function readSplit(request: Request): Split {
  const split = objectOf(request.fields, 'split')
  const location = optionalObjectOf(split, 'spillLocation')
  const key = optionalObjectOf(split, 'encryptionKey')
  return {
    spillLocation: location === null ? null : readSpillLocation(location),
    encryptionKey: key === null ? null : { key: textOf(key, 'key'), nonce: textOf(key, 'nonce') },
    ticket: bytesOf(objectOf(split, 'properties'), 'ticket'),
  }
}

/** What Athena asks when a request says nothing: the sizes it was seen to send. */
const blockBytesDefault = 16_000_000
const inlineBytesDefault = 5_242_880

/** The most bytes of Arrow body a spilled block and an inline one may have. */
export function readBlockSizes(request: Request): {
  readonly blockBytesMax: number
  readonly inlineBytesMax: number
} {
  return {
    blockBytesMax: wholeNumberOf(request.fields, 'maxBlockSize', blockBytesDefault),
    inlineBytesMax: wholeNumberOf(request.fields, 'maxInlineBlockSize', inlineBytesDefault),
  }
}

function readSpillLocation(location: Fields): SpillLocation {
  return {
    bucket: textOf(location, 'bucket'),
    key: textOf(location, 'key'),
    directory: valueOf(location, 'directory') === true,
  }
}

function readTexts(fields: Fields | null): ReadonlyMap<string, string> {
  const entries = Object.entries(fields?.values ?? {})
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** A response larger than this is not sent: Lambda refuses 6,291,556 bytes and more. */
export const responseBytesMax = 5_900_000

/** A response whose `JSON.stringify` is the wire form. */
export type Response = { readonly '@type': string } & Readonly<Record<string, unknown>>

export function pingResponse(ping: {
  readonly catalogName: string
  readonly queryId: string
  readonly sourceType: string
  readonly capabilities: number
  readonly serDeVersion: number
}): Response {
  return {
    '@type': 'PingResponse',
    catalogName: ping.catalogName,
    queryId: ping.queryId,
    sourceType: ping.sourceType,
    capabilities: ping.capabilities,
    serDeVersion: ping.serDeVersion,
  }
}

export interface Optimization {
  readonly subType: string
  readonly properties: readonly string[]
}

export function capabilitiesResponse(
  catalogName: string,
  capabilities: ReadonlyMap<string, readonly Optimization[]>,
): Response {
  const written = [...capabilities].map(([name, optimizations]): [string, unknown] => [
    name,
    optimizations.map(({ subType, properties }) => ({ subType, properties })),
  ])
  return {
    '@type': 'GetDataSourceCapabilitiesResponse',
    catalogName,
    capabilities: Object.fromEntries(written),
  }
}

export function listSchemasResponse(catalogName: string, schemas: readonly string[]): Response {
  return { '@type': 'ListSchemasResponse', catalogName, schemas }
}

/** The only response whose catalogName comes second. */
export function listTablesResponse(
  tables: readonly TableName[],
  catalogName: string,
  nextToken: string | null,
): Response {
  return {
    '@type': 'ListTablesResponse',
    tables: tables.map(writeTableName),
    catalogName,
    nextToken,
  }
}

/** Partition columns are ordinary columns to Athena, so none are named. */
export function getTableResponse(
  catalogName: string,
  tableName: TableName,
  schema: string,
): Response {
  return {
    '@type': 'GetTableResponse',
    catalogName,
    tableName: writeTableName(tableName),
    schema,
    partitionColumns: [],
  }
}

export function getTableLayoutResponse(
  catalogName: string,
  tableName: TableName,
  partitions: AthenaBlock,
): Response {
  return {
    '@type': 'GetTableLayoutResponse',
    catalogName,
    tableName: writeTableName(tableName),
    partitions: writeBlock(partitions),
  }
}

export function getSplitsResponse(
  catalogName: string,
  splits: readonly Split[],
  continuationToken: string | null,
): Response {
  return {
    '@type': 'GetSplitsResponse',
    catalogName,
    splits: splits.map(writeSplit),
    continuationToken,
  }
}

export function readRecordsResponse(catalogName: string, records: AthenaBlock): Response {
  return { '@type': 'ReadRecordsResponse', catalogName, records: writeBlock(records) }
}

export function remoteReadRecordsResponse(remote: {
  readonly catalogName: string
  readonly schema: string
  readonly remoteBlocks: readonly SpillLocation[]
  readonly encryptionKey: EncryptionKey | null
}): Response {
  return {
    '@type': 'RemoteReadRecordsResponse',
    catalogName: remote.catalogName,
    schema: remote.schema,
    remoteBlocks: remote.remoteBlocks.map(writeSpillLocation),
    encryptionKey: remote.encryptionKey === null ? null : writeEncryptionKey(remote.encryptionKey),
  }
}

function writeTableName(name: TableName): object {
  return { schemaName: name.schemaName, tableName: name.tableName }
}

function writeBlock(block: AthenaBlock): object {
  return { aId: block.aId, schema: block.schema, records: block.records }
}

function writeSplit(split: Split): object {
  return {
    spillLocation: split.spillLocation === null ? null : writeSpillLocation(split.spillLocation),
    encryptionKey: split.encryptionKey === null ? null : writeEncryptionKey(split.encryptionKey),
    properties: { ticket: Buffer.from(split.ticket).toString('base64url') },
  }
}

function writeSpillLocation(location: SpillLocation): object {
  return {
    '@type': 'S3SpillLocation',
    bucket: location.bucket,
    key: location.key,
    directory: location.directory,
  }
}

function writeEncryptionKey(encryptionKey: EncryptionKey): object {
  return { key: encryptionKey.key, nonce: encryptionKey.nonce }
}
