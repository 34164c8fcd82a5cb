import { createInterface } from 'node:readline'
import { Client, credentials } from '@grpc/grpc-js'
import {
  type Block,
  Federation,
  type ReadSplitRequest,
} from '../../proto/gen/spillway/v1/federation_pb.ts'
import { methodDefinition } from '../../service/grpc/service-definition.ts'
import { blockRowCount } from '../../shim-lambda/athena-blocks.ts'
import { federationClient } from '../support/federation-client.ts'

// Reads tables from a gateway to their ends, as thin as a client of grpc-js can be.
//   federation-reader.ts ADDRESS SCHEMA
// Each line {"table": …, "streams": …} is answered by {"seconds": …, "rows": …, "bytes": …}; what it takes to plan
// is not in the time.

/** Frames of Flight have about this size; Athena's blocks are larger. */
const BLOCK_BYTES = 2 * 1024 * 1024
/** With HTTP/2's own 64 KiB the transport would be what is measured. */
const WINDOW_BYTES = 16 * 1024 * 1024

const [address = '', schema = ''] = process.argv.slice(2)
const planner = federationClient(address)
const client = new Client(address, credentials.createInsecure(), {
  'grpc.max_receive_message_length': -1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': WINDOW_BYTES,
})
const { path, requestSerialize, responseDeserialize } = methodDefinition(
  Federation.method.readSplit,
)
const plans = new Map<string, ReadSplitRequest[]>()

async function planOf(table: string): Promise<ReadSplitRequest[]> {
  const known = plans.get(table)
  if (known !== undefined) return known
  const plan = await planner.plan({ schema, table })
  for (const request of plan) request.blockBytesTarget = BLOCK_BYTES
  plans.set(table, plan)
  return plan
}

async function read(plan: readonly ReadSplitRequest[]): Promise<{ rows: number; bytes: number }> {
  let rows = 0
  let bytes = 0
  for (const request of plan) {
    const stream = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
    )
    for await (const message of stream) {
      const block = message as Block
      rows += blockRowCount(block)
      bytes += block.dataBody.length
    }
  }
  return { rows, bytes }
}

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { table, streams = 1 } = JSON.parse(line) as { table: string; streams?: number }
  const plan = await planOf(table)
  const started = performance.now()
  const all = await Promise.all(Array.from({ length: streams }, () => read(plan)))
  const seconds = (performance.now() - started) / 1000
  const rows = all.reduce((sum, one) => sum + one.rows, 0)
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
  process.stdout.write(`${JSON.stringify({ seconds, rows, bytes })}\n`)
}
process.exit()
