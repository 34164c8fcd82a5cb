import {
  Int64,
  Table,
  Utf8,
  tableFromIPC,
  vectorFromArray,
  type StructRowProxy,
} from 'apache-arrow'
import type { Test } from 'tap'
import type { EncryptionKey, SpillLocation } from '../../shim-lambda/athena-messages.ts'
import { createHandler, type Handler } from '../../shim-lambda/handler.ts'
import {
  schemaMessage,
  startFakeGateway,
  type FakeGateway,
  type FakeGatewayScript,
} from '../support/fake-gateway.ts'

/** What the fake gateway serves as sales-lake.orders. */
export const table = new Table({
  id: vectorFromArray([1n, 2n, null, 4n, 5n, 6n], new Int64()),
  city: vectorFromArray(['Ulm', null, 'Köln', '', 'Bonn', 'Kiel'], new Utf8()),
})
export const schema = Buffer.from(schemaMessage(table)).toString('base64')
export const identity = {
  id: 'UNKNOWN',
  principal: 'UNKNOWN',
  account: '123456789012',
  arn: 'arn:aws:iam::123456789012:user/ada',
  tags: {},
  groups: [],
  configOptions: {},
}
export const head = { identity, queryId: 'q-1', catalogName: 'minio' }
export const tableName = { schemaName: 'sales-lake', tableName: 'orders' }
export const constraints = { summary: { id: { '@type': 'odd', more: [1.5, null] } }, limit: -1 }

export interface Stage {
  readonly gateway: FakeGateway
  readonly handler: Handler
  readonly lines: Record<string, unknown>[]
}

/** A handler of its own on a fake gateway of its own. */
export async function start(
  t: Test,
  script: Partial<FakeGatewayScript> = {},
  settings: Record<string, string> = {},
): Promise<Stage> {
  const gateway = await startFakeGateway({ table, ...script })
  const lines: Record<string, unknown>[] = []
  const handler = createHandler({
    environment: { SPILLWAY_GATEWAY: gateway.address, ...settings },
    log: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  })
  t.teardown(() => {
    handler.close()
    gateway.close()
  })
  return { gateway, handler, lines }
}

/** Any answer's keys, as parsed from its JSON; which ones are there depends on `@type`. */
export interface WireAnswer {
  readonly '@type': string
  readonly catalogName: string
  readonly schema: string
  readonly tableName: object
  readonly partitionColumns: string[]
  readonly tables: { readonly schemaName: string; readonly tableName: string }[]
  readonly nextToken: string | null
  readonly partitions: { readonly schema: string; readonly records: string }
  readonly records: { readonly schema: string; readonly records: string }
  readonly splits: WireSplit[]
  readonly continuationToken: string | null
  readonly remoteBlocks: SpillLocation[]
  readonly encryptionKey: EncryptionKey | null
}

export interface WireSplit {
  readonly spillLocation: SpillLocation
  readonly encryptionKey: EncryptionKey
  readonly properties: { readonly ticket: string }
}

/** The answer as Athena gets it. */
export async function ask(handler: Handler, event: object): Promise<WireAnswer> {
  return JSON.parse(JSON.stringify(await handler(event))) as WireAnswer
}

/** Rows of record batch messages below this schema. */
export function rowsOf(answerSchema: string, ...records: Buffer[]): object[] {
  const message = Buffer.concat([Buffer.from(answerSchema, 'base64'), ...records])
  return plainRows(tableFromIPC(message))
}

export function plainRows(rows: Table): object[] {
  return rows.toArray().map((row: StructRowProxy) => row.toJSON())
}

export const readRequest = (extra: object) => ({
  '@type': 'ReadRecordsRequest',
  ...head,
  tableName,
  schema,
  constraints,
  maxBlockSize: '16000000',
  maxInlineBlockSize: '5242880',
  ...extra,
})
export const inlineSplit = {
  spillLocation: null,
  encryptionKey: null,
  properties: { ticket: '-__-MA' },
}
