import { broken } from './broken-rule.ts'
import { orderedReader } from './ordered-reader.ts'
import type { OrderedReader } from './ordered-reader.ts'

/** Versions of the protocol that this client speaks. */
export type Serde = 2 | 3 | 4 | 5 | 6

export interface TableReference {
  readonly schemaName: string
  readonly tableName: string
}

/** Arrow bytes as they travel: both texts are base64, `records` is empty for zero rows. */
export interface BlockJson {
  readonly aId: string
  readonly schema: string
  readonly records: string
}

export interface SpillLocation {
  readonly bucket: string
  readonly key: string
  readonly directory: boolean
}

/** AES-GCM key and nonce, base64. */
export interface EncryptionKeyJson {
  readonly key: string
  readonly nonce: string
}

export interface SplitJson {
  readonly spillLocation: SpillLocation | null
  readonly encryptionKey: EncryptionKeyJson | null
  readonly properties: Readonly<Record<string, string>>
}

export interface CapabilityKind {
  readonly subType: string
  readonly properties: readonly string[]
}

export interface PingResponse {
  readonly catalogName: string
  readonly queryId: string
  readonly sourceType: string | null
  readonly capabilities: number
  /** 1 when the connector does not say. */
  readonly serDeVersion: number
}

export interface GetTableResponse {
  readonly catalogName: string
  readonly tableName: TableReference
  readonly schema: string
  readonly partitionColumns: readonly string[]
}

export interface GetSplitsResponse {
  readonly catalogName: string
  readonly splits: readonly SplitJson[]
  readonly continuationToken: string | null
}

export type RecordsResponse =
  | { readonly kind: 'inline'; readonly catalogName: string; readonly records: BlockJson }
  | {
      readonly kind: 'spilled'
      readonly catalogName: string
      readonly schema: string
      readonly remoteBlocks: readonly SpillLocation[]
      readonly encryptionKey: EncryptionKeyJson | null
    }

/** A response as read, and the keys after the known ones: tolerated, worth a warning. */
export interface Answer<T> {
  readonly value: T
  readonly trailing: readonly string[]
}

export function readPing(answer: unknown): Answer<PingResponse> {
  return read(answer, 'PingResponse', (reader) => ({
    catalogName: reader.string('catalogName'),
    queryId: reader.string('queryId'),
    sourceType: reader.nullableString('sourceType'),
    capabilities: reader.integer('capabilities'),
    serDeVersion: reader.more() ? reader.integer('serDeVersion') : 1,
  }))
}

export interface CapabilitiesResponse {
  readonly catalogName: string
  readonly capabilities: ReadonlyMap<string, readonly CapabilityKind[]>
}

/** From serde 4 on; earlier versions do not know the call. */
export function readCapabilities(answer: unknown): Answer<CapabilitiesResponse> {
  const name = 'GetDataSourceCapabilitiesResponse'
  return read(answer, name, (reader) => ({
    catalogName: reader.string('catalogName'),
    capabilities: new Map(
      reader
        .entries('capabilities')
        .map(([key, kinds]) => [key, readKinds(kinds, `${name}.capabilities`, key)]),
    ),
  }))
}

function readKinds(kinds: unknown, where: string, key: string): CapabilityKind[] {
  return orderedReader({ [key]: kinds }, where).objects(key, (kind) => ({
    subType: kind.string('subType'),
    properties: kind.strings('properties'),
  }))
}

export interface ListSchemasResponse {
  readonly catalogName: string
  readonly schemas: readonly string[]
}

export function readListSchemas(answer: unknown): Answer<ListSchemasResponse> {
  return read(answer, 'ListSchemasResponse', (reader) => ({
    catalogName: reader.string('catalogName'),
    schemas: reader.strings('schemas'),
  }))
}

export interface ListTablesResponse {
  readonly catalogName: string
  readonly tables: readonly TableReference[]
  readonly nextToken: string | null
}

/** The only answer with its list before the catalog's name; the token may be left out. */
export function readListTables(answer: unknown): Answer<ListTablesResponse> {
  return read(answer, 'ListTablesResponse', (reader) => ({
    tables: reader.objects('tables', readTableReference),
    catalogName: reader.string('catalogName'),
    nextToken: reader.more() ? reader.nullableString('nextToken') : null,
  }))
}

export function readGetTable(answer: unknown): Answer<GetTableResponse> {
  return read(answer, 'GetTableResponse', (reader) => ({
    catalogName: reader.string('catalogName'),
    tableName: reader.object('tableName', readTableReference),
    schema: reader.string('schema'),
    partitionColumns: reader.strings('partitionColumns'),
  }))
}

export interface GetTableLayoutResponse {
  readonly catalogName: string
  readonly tableName: TableReference
  readonly partitions: BlockJson
}

export function readGetTableLayout(answer: unknown): Answer<GetTableLayoutResponse> {
  return read(answer, 'GetTableLayoutResponse', (reader) => ({
    catalogName: reader.string('catalogName'),
    tableName: reader.object('tableName', readTableReference),
    partitions: reader.object('partitions', readBlock),
  }))
}

export function readGetSplits(answer: unknown): Answer<GetSplitsResponse> {
  return read(answer, 'GetSplitsResponse', (reader) => ({
    catalogName: reader.string('catalogName'),
    splits: reader.objects('splits', (split) => ({
      spillLocation: split.nullableObject('spillLocation', readSpillLocation),
      encryptionKey: split.nullableObject('encryptionKey', readEncryptionKey),
      properties: split.stringMap('properties'),
    })),
    continuationToken: reader.nullableString('continuationToken'),
  }))
}

/** Either form of the answer to ReadRecords. */
export function readReadRecords(answer: unknown): Answer<RecordsResponse> {
  return typeOf(answer) === 'RemoteReadRecordsResponse'
    ? read(answer, 'RemoteReadRecordsResponse', (reader) => ({
        kind: 'spilled',
        catalogName: reader.string('catalogName'),
        schema: reader.string('schema'),
        remoteBlocks: reader.objects('remoteBlocks', readSpillLocation),
        encryptionKey: reader.nullableObject('encryptionKey', readEncryptionKey),
      }))
    : read(answer, 'ReadRecordsResponse', (reader) => ({
        kind: 'inline',
        catalogName: reader.string('catalogName'),
        records: reader.object('records', readBlock),
      }))
}

function read<T>(answer: unknown, type: string, content: (reader: OrderedReader) => T): Answer<T> {
  const reader = orderedReader(answer, type)
  if (reader.rest().includes('errorMessage'))
    throw broken('answer', `${type}: an error was returned as a normal answer; throw it instead`)
  const found = reader.string('@type')
  if (found !== type) throw broken('answer', `"@type" is "${found}", expected "${type}"`)
  return { value: content(reader), trailing: reader.rest() }
}

function typeOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && '@type' in answer
    ? answer['@type']
    : undefined
}

function readTableReference(reader: OrderedReader): TableReference {
  return { schemaName: reader.string('schemaName'), tableName: reader.string('tableName') }
}

function readBlock(reader: OrderedReader): BlockJson {
  return {
    aId: reader.string('aId'),
    schema: reader.string('schema'),
    records: reader.string('records'),
  }
}

function readSpillLocation(reader: OrderedReader): SpillLocation {
  const type = reader.string('@type')
  if (type !== 'S3SpillLocation')
    throw broken('answer', `a spill location has "@type" "${type}", expected "S3SpillLocation"`)
  return {
    bucket: reader.string('bucket'),
    key: reader.string('key'),
    directory: reader.boolean('directory'),
  }
}

function readEncryptionKey(reader: OrderedReader): EncryptionKeyJson {
  return { key: reader.string('key'), nonce: reader.string('nonce') }
}
