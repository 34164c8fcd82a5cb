import { canSeeCpu, cpuSecondsOf } from '../support/bench-cpu.ts'
import type { BenchOptions, Figure } from '../support/bench-figure.ts'
import { startBenchGateway } from '../support/bench-gateway.ts'
import { median } from '../support/bench-rounds.ts'

export const title = 'From the start of the process until it listens, workers warm'

/** It is not asked for anything before it is ready, so there need not be one. */
const noStore = { url: 'http://127.0.0.1:9', accessKey: 'nobody', secretKey: 'nothing' }

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const times: number[] = []
  const cpuTimes: number[] = []
  for (let round = 0; round < (smoke ? 2 : 8); round++) {
    const gateway = await startBenchGateway({ store: noStore })
    times.push(gateway.startMs)
    if (canSeeCpu) cpuTimes.push(cpuSecondsOf(gateway.pid))
    await gateway.stop()
  }
  // The first start reads from the disk what the others find in memory.
  const [first = 0, ...others] = times
  print(`first ${first.toFixed(0)} ms, then ${others.map((ms) => ms.toFixed(0)).join(', ')} ms`)
  return [
    {
      name: 'start until it listens, workers warm',
      reached: median(others) / 1000,
      unit: 's',
      must: { atMost: 1.5 },
      note: `CPU ${median(cpuTimes).toFixed(2)} s`,
    },
  ]
}
