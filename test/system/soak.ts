import { parseArgs } from 'node:util'
import { longBounds, shortBounds, showSoak, soakFindings } from '../support/judge-soak.ts'
import { runSoak } from '../support/run-soak.ts'

// `npm run soak -- --minutes 30`: mixed load on a gateway, its memory and handles as plots; exit code 1 when they grow
// or an answer is wrong.

/** From this on memory is judged as that of a service that runs. */
const LONG_SECONDS = 300

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
})
const seconds = Number(values.minutes) * 60
const report = await runSoak(seconds, Number(values.seed))
const findings = soakFindings(report, seconds < LONG_SECONDS ? shortBounds : longBounds)
const verdict = findings.length === 0 ? ['flat, and no answer was wrong'] : findings
process.stdout.write(`${[showSoak(report), ...verdict].join('\n')}\n`)
process.exitCode = findings.length === 0 ? 0 : 1
