import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { Client, credentials } from '@grpc/grpc-js'
import {
  type Block,
  Federation,
  type ReadSplitRequest,
} from '../../proto/gen/spillway/v1/federation_pb.ts'
import { methodDefinition } from '../../service/grpc/service-definition.ts'
import { federationClient } from '../support/federation-client.ts'

// Reads a table many times at once, each time as a line would that carries so many bytes a second.
//   slow-reader.ts ADDRESS SCHEMA TABLE READERS BYTES_PER_SECOND
// Each line is answered by {"open": …, "reading": …, "blocks": …}: readers that have not given up, those of them that got
// a block, and blocks of all. Who is told `busy` comes again.

/** What such a reader asks for: a block takes it a minute, and streams that take nothing for two are ended. */
const BLOCK_BYTES = 64 * 1024

const [address = '', schema = '', table = '', count = '', rate = ''] = process.argv.slice(2)
const plan = await federationClient(address).plan({ schema, table })
const { path, requestSerialize, responseDeserialize } = methodDefinition(
  Federation.method.readSplit,
)
let open = 0
let reading = 0
let blocks = 0
/** What a gateway that is busy tells its callers to wait. */
const BUSY_WAIT_MS = 2_000

/** Until the table ends. */
async function readAll(request: ReadSplitRequest): Promise<void> {
  open++
  try {
    while (!(await readSlowly(request))) await after(BUSY_WAIT_MS)
  } finally {
    open--
  }
}

/** False when the gateway was busy. */
async function readSlowly(request: ReadSplitRequest): Promise<boolean> {
  // A connection each: on one, HTTP/2's window would be shared.
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
  )
  let isFirst = true
  try {
    for await (const message of stream) {
      blocks++
      if (isFirst) reading++
      isFirst = false
      await after(((message as Block).dataBody.length / Number(rate)) * 1_000)
    }
    return true
  } catch (reason) {
    if (!isFirst || !String(reason).includes('busy')) throw reason
    return false
  } finally {
    client.close()
  }
}

for (let reader = 0; reader < Number(count); reader++) {
  const request = plan[reader % plan.length]
  if (request === undefined) continue
  request.blockBytesTarget = BLOCK_BYTES
  readAll(request).catch((reason: unknown) => process.stderr.write(`${String(reason)}\n`))
}
process.stdout.write('{}\n')
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify({ open, reading, blocks })}\n`)
}
process.exit()
