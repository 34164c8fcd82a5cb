import t from 'tap'
import { runMutants } from '../fuzz/run-mutants.ts'

/** `npm run fuzz -- --seconds 600` runs for longer. */
const SECONDS = 15
const COUNT_LEAST = 50

t.test('mutated files: their rows or a typed error, within time and memory', async (t) => {
  t.setTimeout(100_000)
  const report = await runMutants({ seed: 1, seconds: SECONDS })
  const { counts, failures, workersLost, slowestMs } = report
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  t.comment(`${total} mutants: ${JSON.stringify(counts)}`)
  t.comment(`workers lost: ${workersLost}; slowest: ${Math.round(slowestMs)} ms`)
  t.strictSame(failures, [])
  t.ok(total >= COUNT_LEAST, 'enough of them to say so')
  t.ok((counts['unreadable_file'] ?? 0) > 0, 'the mutator does damage')
  t.ok((counts['same rows'] ?? 0) > 0, 'and not only damage')
})

t.test('a decoder that makes nulls of what it cannot read is found out', async (t) => {
  t.setTimeout(100_000)
  const entry = new URL('../support/lax-decoder-worker', import.meta.url)
  const { failures } = await runMutants({ seed: 1, seconds: SECONDS, countMax: 300, entry })
  t.ok(failures.length > 0)
  t.ok(
    failures.every((failure) => failure.includes('other values than before, in silence')),
    failures.join('\n'),
  )
})
