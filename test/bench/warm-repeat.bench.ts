import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { startFlightReader } from '../support/bench-flight.ts'
import { portOf, startBenchGateway } from '../support/bench-gateway.ts'
import { NO_PYTHON } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'
import { benchBucket, benchStore, type BenchStore, loadTable } from '../support/bench-store.ts'

export const title = 'The same scan again: from the byte cache, against a gateway that has none'

const figure = {
  name: 'warm repeat (byte cache): speed, of own cold',
  unit: '×',
  must: { atLeast: 1.3 },
  aim: 3,
}
const table = 'trips-snappy'

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const store = await benchStore()
  if (store === undefined) return [skipped(figure, NO_PYTHON)]
  await loadTable(store, table, smoke)
  const cold = await startSide(store, '0')
  const warm = await startSide(store, '1GiB')
  try {
    // A range is kept when it is read for the second time.
    await warm.read()
    const seconds = await medianOfRounds(smoke ? 1 : 7, { cold: cold.read, warm: warm.read })
    print(`cold ${seconds.cold.seconds.toFixed(2)} s, warm ${seconds.warm.seconds.toFixed(2)} s`)
    return [{ ...figure, reached: seconds.cold.seconds / seconds.warm.seconds }]
  } finally {
    await Promise.all([cold.stop(), warm.stop()])
  }
}

async function startSide(store: BenchStore, cacheBytes: string) {
  const settings = { SPILLWAY_BYTE_CACHE_BYTES: cacheBytes }
  const gateway = await startBenchGateway({ store, settings })
  const reader = await startFlightReader(store, [portOf(gateway), benchBucket])
  return {
    read: async () => ({ seconds: Number((await reader.ask({ table }))['seconds']) }),
    stop: async () => {
      await reader.stop()
      await gateway.stop()
    },
  }
}
