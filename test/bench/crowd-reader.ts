import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { flightClient } from '../support/flight-client.ts'

// A crowd: so many readers of one caller who read a table again and again, and come back when they are told `busy`.
//   crowd-reader.ts ADDRESS TOKEN SCHEMA TABLE READERS
// Each line is answered by {"reads": …, "busy": …, "failures": [...]} since the last one.

const [address = '', token = '', schema = '', table = '', count = ''] = process.argv.slice(2)
const headers = { authorization: `Bearer ${token}` }
/** Readers share connections, fewer than the port takes. */
const READERS_PER_CONNECTION = 20
/** Clients that are told to wait spread over as long again, as gRPC's own do. */
const BUSY_WAIT_MS = 2_000

let reads = 0
let busy = 0
let failures: string[] = []

const clients = Array.from({ length: Math.ceil(Number(count) / READERS_PER_CONNECTION) }, () =>
  flightClient(address, headers),
)

const planned = await clients[0]?.info({ schema, table })
const ticket = planned?.endpoint[0]?.ticket?.ticket ?? new Uint8Array()

async function readForEver(reader: number): Promise<never> {
  const client = clients[Math.floor(reader / READERS_PER_CONNECTION)]
  for (;;) {
    try {
      await client?.messages(ticket)
      reads++
    } catch (reason) {
      if (String(reason).includes('busy')) busy++
      else failures.push(String(reason))
      await after(BUSY_WAIT_MS * (0.5 + Math.random()))
    }
  }
}

for (let reader = 0; reader < Number(count); reader++) void readForEver(reader)
process.stdout.write('{}\n')
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify({ reads, busy, failures: failures.slice(0, 5) })}\n`)
  reads = 0
  busy = 0
  failures = []
}
process.exit()
