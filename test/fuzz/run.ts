import assert from 'node:assert'
import { parseArgs } from 'node:util'
import { decoderEngines } from '../../service/decode/decoder-engine.ts'
import { runMutants } from './run-mutants.ts'

// `npm run fuzz -- --seconds 60 --seed 1`: reads mutated Parquet files as the gateway would; exit code 1 when one of
// them broke a rule. `--count N` ends it earlier, `--only K` repeats one, `--decoder parquet-wasm` forces the fallback.

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string' },
    only: { type: 'string' },
    decoder: { type: 'string', default: 'auto' },
  },
})
const decoder = decoderEngines.find((engine) => engine === values.decoder)
assert(decoder !== undefined, `--decoder is one of ${decoderEngines.join(', ')}`)
const report = await runMutants({
  decoder,
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  ...(values.count !== undefined && { countMax: Number(values.count) }),
  ...(values.only !== undefined && { only: Number(values.only) }),
})
const total = Object.values(report.counts).reduce((sum, count) => sum + count, 0)
const lines = [
  `${total} mutants, seed ${values.seed}, decoder ${decoder}`,
  ...Object.entries(report.counts).map(([outcome, count]) => `  ${outcome}: ${count}`),
  `workers lost: ${report.workersLost} (by ${report.lostBy.join(', ')})`,
  `slowest: ${Math.round(report.slowestMs)} ms`,
  `memory grew by ${Math.round(report.growthBytes / 1024 / 1024)} MiB`,
  `${report.failures.length} broke a rule`,
  ...report.failures.map((failure) => `  ${failure}`),
]
process.stdout.write(`${lines.join('\n')}\n`)
process.exitCode = report.failures.length > 0 ? 1 : 0
