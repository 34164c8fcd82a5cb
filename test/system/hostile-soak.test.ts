import t from 'tap'
import { shortBounds, showSoak, soakFindings } from '../support/judge-soak.ts'
import { runSoak } from '../support/run-soak.ts'
import { minioBinary } from '../support/start-minio.ts'

/** `npm run soak -- --minutes 30` for longer. */
const SECONDS = 20
const isSkipped =
  (minioBinary() === undefined && 'there is no minio binary: NOT TESTED') ||
  (process.platform !== 'linux' && 'no /proc')

t.test(
  'mixed load leaves nothing behind and no answer is wrong',
  { skip: isSkipped },
  async (t) => {
    t.setTimeout(110_000)
    const report = await runSoak(SECONDS)
    for (const line of showSoak(report).split('\n')) t.comment(line)
    t.strictSame(soakFindings(report, shortBounds), [])
    t.ok(report.faultCount > 0, 'the wire was cut')
  },
)
