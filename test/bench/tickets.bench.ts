import type * as TicketModule from '../../service/planning/ticket.ts'
import type * as TicketKeysModule from '../../service/planning/ticket-keys.ts'
import type { Split } from '../../service/planning/split.ts'
import { importBuilt } from '../support/bench-build.ts'
import { ownCpuSeconds } from '../support/bench-cpu.ts'
import type { BenchOptions, Figure } from '../support/bench-figure.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { holderOf, openingOf } from '../support/ticket-holder.ts'

export const title = 'Tickets: splits of 8 and of 2,000 files, sealed and opened'

const FILES = 2_000
/** Of 16 MiB each they are a split as it is aimed at. */
const FILES_USUAL = 8
const must = { atMost: 50 }

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const { sealTicket, openTicket } = await importBuilt<typeof TicketModule>(
    'service/planning/ticket.ts',
  )
  const { TicketKeys } = await importBuilt<typeof TicketKeysModule>(
    'service/planning/ticket-keys.ts',
  )
  const keys = new TicketKeys([])
  const split = splitOf(FILES)
  const ticket = sealTicket(split, keys, holderOf())
  if (openTicket(ticket, openingOf(keys, 0)).files.length !== FILES)
    throw new Error('files were lost')
  const rounds = smoke ? 5 : 500
  const sealUs = microsecondsOf(rounds, () => sealTicket(split, keys, holderOf()))
  const openUs = microsecondsOf(rounds, () => openTicket(ticket, openingOf(keys, 0)))
  const usual = splitOf(FILES_USUAL)
  const usualTicket = sealTicket(usual, keys, holderOf())
  const usualSealUs = microsecondsOf(rounds * 10, () => sealTicket(usual, keys, holderOf()))
  const usualOpenUs = microsecondsOf(rounds * 10, () => openTicket(usualTicket, openingOf(keys, 0)))
  const fileBytes = ticket.length / FILES
  print(`${ticket.length} bytes`)
  return [
    { name: 'a ticket of 8 files: sealed in', reached: usualSealUs, unit: 'µs', must },
    { name: 'a ticket of 8 files: opened in', reached: usualOpenUs, unit: 'µs', must },
    { name: 'a ticket of 2,000 files: sealed in', reached: sealUs, unit: 'µs' },
    { name: 'a ticket of 2,000 files: opened in', reached: openUs, unit: 'µs' },
    { name: 'a ticket of 2,000 files: size of a file', reached: fileBytes, unit: 'bytes' },
  ]
}

/** Files as Spark names them, in daily folders of 20. */
function splitOf(fileCount: number): Split {
  const random = randomNumbers(7)
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
  const prefix = 'tables/events/'
  const files = Array.from({ length: fileCount }, (_, index) => {
    const day = new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 20))).toISOString().slice(0, 10)
    const part = String(index % 20).padStart(5, '0')
    const id = [8, 4, 4, 4, 12].map(hex).join('-')
    return {
      key: `${prefix}day=${day}/part-${part}-${id}.c000.snappy.parquet`,
      etag: hex(32),
      sizeBytes: 10_000_000 + Math.floor(random() * 1e7),
      rowGroups: { start: 0, end: 3 },
    }
  })
  const table = { schema: 'lake', table: 'events' }
  return { table, bucket: 'lake', prefix, files, partitionColumns: ['day'], expiresMs: 1 }
}

/** Of the processor: what else the machine does does not count. */
function microsecondsOf(rounds: number, work: () => unknown): number {
  for (let round = 0; round < rounds / 5; round++) work()
  const before = ownCpuSeconds()
  for (let round = 0; round < rounds; round++) work()
  return ((ownCpuSeconds() - before) / rounds) * 1e6
}
