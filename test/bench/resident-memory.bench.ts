import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startFlightReader } from '../support/bench-flight.ts'
import { portOf, startBenchGateway } from '../support/bench-gateway.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { median } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, loadTable } from '../support/bench-store.ts'
import { residentBytes } from '../support/resident-memory.ts'

export const title = 'Resident memory of the gateway, one split after the other'

const figure = {
  name: 'resident memory after 500 splits, of that after 50',
  unit: '×',
  must: { atMost: 1.1 },
}
const table = 'split-snappy'
/** Splits before the first and before the last look. */
const counts = { first: 50, last: 500 }
const countsSmoke = { first: 2, last: 6 }
/** Looks at each end: collections make memory go up and down. */
const LOOKS = 5

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  const isBlind = residentBytes(process.pid) === undefined
  if (store === undefined || isBlind) {
    return [skipped(figure, store === undefined ? NO_PYTHON : 'no /proc to read memory from')]
  }
  await loadTable(store, table, smoke)
  const gateway = await startBenchGateway({ store })
  const reader = await startFlightReader(store, [portOf(gateway), benchBucket])
  let done = 0
  const residentAfter = async (count: number): Promise<number> => {
    const looks: number[] = []
    for (; done < count; done++) {
      await reader.ask({ table })
      if (count - done <= LOOKS) looks.push(residentBytes(gateway.pid) ?? 0)
    }
    print(`after ${count} splits ${(median(looks) / 1e6).toFixed(0)} MB`)
    return median(looks)
  }
  try {
    const { first, last } = smoke ? countsSmoke : counts
    const before = await residentAfter(first)
    return [{ ...figure, reached: (await residentAfter(last)) / before }]
  } finally {
    await reader.stop()
    await gateway.stop()
  }
}
