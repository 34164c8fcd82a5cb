import { create } from '@bufbuild/protobuf'
import { type ServiceError, status as grpcStatus } from '@grpc/grpc-js'
import { Int64 } from 'apache-arrow'
import type { FlightData } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { FlightService } from '../../proto/gen/arrow/flight/flight_pb.ts'
import { Federation, ReadSplitRequestSchema } from '../../proto/gen/spillway/v1/federation_pb.ts'
import type { Field } from '../../service/arrow/arrow-type.ts'
import { decodeSchemaMessage, encodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import type { Canonical } from './columns-canonical.ts'
import { federationClient, readAll } from './federation-client.ts'
import { commandOf, flightClient, rowsOf } from './flight-client.ts'
import { valueBlock } from './random-predicate.ts'
import type { WorldColumn } from './rights-conditions.ts'
import type { WorldCaller } from './rights-world.ts'

/** A row by column. */
export type WorldRecord = Readonly<Record<string, Canonical>>

/** What somebody asks of a table. */
export interface WorldAsk {
  readonly schema: string
  readonly table: string
  readonly columns?: readonly string[]
  readonly filter?: string
  readonly limit?: number
  readonly endpoints?: number
}

/** All that came back, and what it was understood to be. */
export interface WorldAnswer {
  /** `ok`, or the word of the error. */
  readonly code: string
  /** Every byte that the caller was sent, but for tickets. */
  readonly bytes: Buffer
  /** Text of the error. */
  readonly message: string
  readonly columns?: readonly string[]
  readonly rows?: readonly WorldRecord[]
  readonly json?: Readonly<Record<string, unknown>>
  readonly tickets?: readonly Uint8Array[]
}

/** One caller at all doors of a gateway. */
export interface WorldDoors {
  get(path: string): Promise<WorldAnswer>
  plan(ask: WorldAsk): Promise<WorldAnswer>
  readHttp(ask: WorldAsk): Promise<WorldAnswer>
  readFlight(ask: WorldAsk): Promise<WorldAnswer>
  schemaFlight(ask: WorldAsk): Promise<WorldAnswer>
  listFlights(): Promise<WorldAnswer>
  /** What a ticket is good for: at Flight, at Athena's door, for renewal and for cancelling. */
  tryTicket(ticket: Uint8Array, ask: WorldAsk): Promise<readonly WorldAnswer[]>
  describeAthena(ask: WorldAsk): Promise<WorldAnswer>
  readAthena(ask: WorldAsk, constraint?: WorldConstraint): Promise<WorldAnswer>
  listAthena(schema?: string): Promise<WorldAnswer>
  close(): void
}

/** `column >= from`, as Athena's value sets say it. */
export interface WorldConstraint {
  readonly column: WorldColumn
  readonly from: number
}

export function worldDoors(
  caller: Pick<WorldCaller, 'token'>,
  { http, grpc }: { readonly http: string; readonly grpc: string },
): WorldDoors {
  const authorization = `Bearer ${caller.token}`
  const flight = flightClient(grpc, { authorization })
  const athena = federationClient(grpc, { authorization })
  const { method } = FlightService
  const ask = (path: string, body?: object, accept = 'application/json') =>
    askHttp(`${http}${path}`, { authorization, accept }, body)
  const schemaOf = (message: Uint8Array) => {
    const columns = decodeSchemaMessage(message).fields.map(({ name }) => name)
    return { bytes: [message], columns }
  }
  return {
    get: async (path) => withJson(await ask(path)),
    plan: async (request) => withJson(await ask('/v1/plan', request)),
    readHttp: async (request) => withLines(await ask('/v1/read', request, 'application/x-ndjson')),
    readFlight: (request) =>
      answered(async () => {
        const info = await flight.info(request)
        const { fields } = decodeSchemaMessage(info.schema)
        const tickets = info.endpoint.map(({ ticket }) => ticket?.ticket ?? new Uint8Array())
        const bytes = [info.schema, info.appMetadata]
        bytes.push(...info.endpoint.map(({ appMetadata }) => appMetadata))
        const rows: WorldRecord[] = []
        for (const ticket of tickets) {
          for (const data of await flight.messages(ticket)) {
            bytes.push(data.dataHeader, data.dataBody, data.appMetadata)
            if (data.dataBody.length > 0) rows.push(...recordsOf(fields, data))
          }
        }
        const json = { ...JSON.parse(Buffer.from(info.appMetadata).toString()) }
        const told = {
          totalRecords: Number(info.totalRecords),
          totalBytes: Number(info.totalBytes),
        }
        const columns = fields.map(({ name }) => name)
        return { bytes, columns, rows, tickets, json: { ...json, ...told } }
      }),
    schemaFlight: (request) =>
      answered(async () =>
        schemaOf((await flight.call(method.getSchema, commandOf(request))).schema),
      ),
    listFlights: () =>
      answered(async () => {
        const infos = await readAll(flight.stream(method.listFlights, {}))
        const bytes = infos.flatMap(({ schema, flightDescriptor }) => [
          schema,
          Buffer.from((flightDescriptor?.path ?? []).join(' ')),
        ])
        return { bytes }
      }),
    tryTicket: (ticket, { schema, table }) =>
      Promise.all([
        answered(async () => ({ bytes: bytesOf(await flight.messages(ticket)) })),
        answered(async () => {
          const arrowSchema = encodeSchemaMessage({ fields: [] })
          const request = create(ReadSplitRequestSchema, { schema, table, ticket, arrowSchema })
          const blocks = await readAll(athena.readSplit(request))
          return { bytes: blocks.flatMap(({ dataHeader, dataBody }) => [dataHeader, dataBody]) }
        }),
        ...(['CancelFlightInfo', 'RenewFlightEndpoint'] as const).map((type) =>
          answered(async () => {
            const body = actionBody(type, ticket)
            const results = await readAll(flight.stream(method.doAction, { type, body }))
            return { bytes: results.map((result) => result.body) }
          }),
        ),
      ]),
    describeAthena: (name) =>
      answered(async () => {
        const { schema, table } = name
        const call = athena.call(Federation.method.describeTable, { schema, table })
        return schemaOf((await call).arrowSchema)
      }),
    readAthena: (request, constraint) => answered(() => readAthena(athena, request, constraint)),
    listAthena: (schema) =>
      answered(async () => {
        if (schema === undefined) {
          const { schemas } = await athena.call(Federation.method.listSchemas, {})
          return { bytes: [Buffer.from(schemas.join(' '))], json: { schemas } }
        }
        const { tables } = await athena.call(Federation.method.listTables, { schema })
        return { bytes: [Buffer.from(tables.join(' '))], json: { tables } }
      }),
    close: () => {
      flight.close()
      athena.close()
    },
  }
}

/** Columns are asked for in the types that Athena was told, those of strangers as text. */
async function readAthena(
  athena: ReturnType<typeof federationClient>,
  { schema, table, columns }: WorldAsk,
  constraint: WorldConstraint | undefined,
): Promise<Understood> {
  const described = await athena.call(Federation.method.describeTable, { schema, table })
  const known = decodeSchemaMessage(described.arrowSchema).fields
  const fields = (columns ?? known.map(({ name }) => name)).map(
    (name): Field => known.find((field) => field.name === name) ?? asText(name),
  )
  const constraintsJson = constraint ? JSON.stringify(constraintsOf(constraint)) : ''
  const arrowSchema = encodeSchemaMessage({ fields })
  const plan = { schema, table, constraintsJson }
  const page = await athena.call(Federation.method.planSplits, plan)
  const bytes: Uint8Array[] = []
  const rows: WorldRecord[] = []
  for (const ticket of page.tickets) {
    const request = create(ReadSplitRequestSchema, { ...plan, ticket, arrowSchema })
    for (const { dataHeader, dataBody } of await readAll(athena.readSplit(request))) {
      bytes.push(dataHeader, dataBody)
      const data = { dataHeader, dataBody } as FlightData
      if (dataBody.length > 0) rows.push(...recordsOf(fields, data))
    }
  }
  return { bytes, rows, columns: fields.map(({ name }) => name), tickets: page.tickets }
}

function asText(name: string): Field {
  return { name, type: { kind: 'utf8' }, nullable: true }
}

function constraintsOf({ column, from }: WorldConstraint): object {
  const type = { '@type': 'Int', bitWidth: 64, isSigned: true }
  const marker = (bound: string, values: bigint[] | undefined) => ({
    '@type': 'Marker',
    valueBlock: values && valueBlock(new Int64(), values),
    bound,
    nullValue: values === undefined,
  })
  const range = {
    '@type': 'Range',
    low: marker('EXACTLY', [BigInt(from)]),
    high: marker('BELOW', undefined),
  }
  const valueSet = { '@type': 'SortedRangeSet', type, ranges: [range], nullAllowed: false }
  return { summary: { [column]: valueSet }, expression: [], orderByClause: [], limit: -1 }
}

/** Protobuf by hand: a FlightInfo or an endpoint that holds nothing but the ticket. */
function actionBody(type: 'CancelFlightInfo' | 'RenewFlightEndpoint', ticket: Uint8Array): Buffer {
  const endpoint = inside(1, inside(1, ticket))
  return type === 'RenewFlightEndpoint' ? inside(1, endpoint) : inside(1, inside(3, endpoint))
}

function inside(field: number, bytes: Uint8Array): Buffer {
  const length: number[] = []
  let rest = bytes.length
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.of((field << 3) | 2, ...length, rest), bytes])
}

function bytesOf(messages: readonly FlightData[]): Uint8Array[] {
  return messages.flatMap(({ dataHeader, dataBody }) => [dataHeader, dataBody])
}

type Understood = Omit<WorldAnswer, 'code' | 'bytes' | 'message'> & {
  readonly bytes: readonly Uint8Array[]
}

async function answered(work: () => Promise<Understood>): Promise<WorldAnswer> {
  try {
    const { bytes, ...understood } = await work()
    return { code: 'ok', message: '', bytes: Buffer.concat(bytes), ...understood }
  } catch (error) {
    const { details, metadata, code } = error as ServiceError
    if (metadata === undefined) throw error
    const word = metadata.get('spillway-code')[0]?.toString() ?? grpcStatus[code]
    const message = details.replace(`${word}: `, '')
    return { code: word, message, bytes: Buffer.from(details) }
  }
}

async function askHttp(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: object | undefined,
): Promise<WorldAnswer> {
  const response = await fetch(url, {
    headers: { 'accept-encoding': 'identity', ...headers },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (response.ok) return { code: 'ok', message: '', bytes }
  const { error } = JSON.parse(bytes.toString()) as { error: { code: string; message: string } }
  return { code: error.code, message: error.message, bytes }
}

function withJson(answer: WorldAnswer): WorldAnswer {
  if (answer.code !== 'ok') return answer
  const json = JSON.parse(answer.bytes.toString()) as Record<string, unknown>
  const splits = (json['splits'] ?? []) as readonly { readonly ticket: string }[]
  return { ...answer, json, tickets: splits.map(({ ticket }) => Buffer.from(ticket, 'base64')) }
}

function withLines(answer: WorldAnswer): WorldAnswer {
  if (answer.code !== 'ok') return answer
  const lines = answer.bytes.toString().split('\n').slice(0, -1)
  return { ...answer, rows: lines.map((line) => JSON.parse(line) as WorldRecord) }
}

function recordsOf(fields: readonly Field[], data: FlightData): WorldRecord[] {
  return rowsOf(fields, data).map((row) =>
    Object.fromEntries(fields.map(({ name }, at) => [name, row[at] ?? null])),
  )
}
