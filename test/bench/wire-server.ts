import type { Field } from '../../service/arrow/arrow-type.ts'
import { planFlightMessage } from '../../service/arrow/framed-message.ts'
import { encodeSchemaMessage } from '../../service/arrow/schema-message.ts'
import { planBatch } from '../../service/arrow/write-batch.ts'
import { identifyAnybody } from '../../service/credentials/caller.ts'
import { GatewayError } from '../../service/errors.ts'
import { flightService } from '../../service/flight/flight-service.ts'
import { grpcServer } from '../../service/grpc/grpc-server.ts'
import type { TableQueries } from '../../service/query/table-queries.ts'
import type { Frame } from '../../service/scan/frame.ts'

// The Flight door without anything behind it: sends one frame, written once, again and again.
//   wire-server.ts BATCHES ROWS COLUMNS; prints {"port": …} when it listens.

const [batchCount = 0, rowCount = 0, columnCount = 0] = process.argv.slice(2).map(Number)
const fields = Array.from({ length: columnCount }, (_, index): Field => ({
  name: `c${index}`,
  type: { kind: 'float', bitWidth: 64 },
  nullable: true,
}))
const types = fields.map(({ type }) => type)
const values = new Uint8Array(Float64Array.from({ length: rowCount }, (_, row) => row / 7).buffer)
const columns = types.map((type) => ({
  type,
  rowCount,
  offset: 0,
  nullCount: 0,
  validity: null,
  values,
  offsets: null,
  children: [],
}))
const plan = planFlightMessage(planBatch(types, [{ columns, start: 0, count: rowCount }]))
// As in the gateway: the workers write to memory they share.
const message = plan.write(new Uint8Array(new SharedArrayBuffer(plan.totalBytes)))
const frame: Frame = { message, rowCount, bodyBytes: rowCount * columnCount * 8, release: () => {} }

async function* frames(): AsyncGenerator<Frame> {
  for (let sent = 0; sent < batchCount; sent++) yield frame
}

const unasked = () => {
  throw new GatewayError('unsupported', 'this server only sends')
}
const queries: TableQueries = {
  listSchemas: unasked,
  listTables: unasked,
  describe: unasked,
  schemaOf: unasked,
  plan: unasked,
  readTable: unasked,
  check: unasked,
  renew: unasked,
  read: async () => ({
    table: { schema: 'bench', table: 'wire' },
    fields,
    schemaMessage: encodeSchemaMessage({ fields }),
    frames: frames(),
  }),
}
const keeper = {
  observe: () => {},
  translate: (reason: unknown) => GatewayError.from(reason),
  identify: identifyAnybody,
}
const flight = flightService({ ...keeper, queriesFor: () => queries })
const server = grpcServer({ host: '127.0.0.1', port: 0, services: [flight], ...keeper })
const address = await server.listen()
process.stdout.write(`${JSON.stringify({ port: Number(address.split(':')[1]) })}\n`)
