import { readdirSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import t from 'tap'
import { GatewayError } from '../../service/errors.ts'
import { bundleWorker } from '../support/bundle-worker.ts'
import { randomNumbers } from '../support/columns-random.ts'
import { type HostileTable, startHostileTable } from '../support/hostile-table.ts'
import { minioBinary } from '../support/start-minio.ts'

// `SPILLWAY_TEST_KILLS=1000` for more of them, however long that takes.
const given = process.env['SPILLWAY_TEST_KILLS']
const killCount = Number(given ?? 200)
const killMsMax = given === undefined ? 45_000 : Infinity
/** Of the kills, those that wait until a spare is warm; the others hit a pool that is still recovering. */
const SPARE_SHARE = 0.8
const READERS = 4
const WORKERS = 2
const KILL_WAIT_MS_MAX = 80
const isSkipped =
  (minioBinary() === undefined && 'there is no minio binary: NOT TESTED') ||
  (process.platform !== 'linux' && 'no /proc')

const threadCount = () => readdirSync('/proc/self/task').length
const handleCount = () => readdirSync('/proc/self/fd').length

function spread(valuesMs: readonly number[]): string {
  const sorted = valuesMs.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
  const most = Math.round(sorted.at(-1) ?? 0)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, at most ${most} ms, of ${sorted.length}`
}

/** Waits for what comes soon or never. */
async function until(isSo: () => boolean): Promise<boolean> {
  for (let left = 400; left > 0 && !isSo(); left--) await after(25)
  return isSo()
}

/** How often it is measured how soon a scan begins when nothing was killed. */
const USUAL_WAIT_MS = 250

/** Readers that compare all they get, and one that measures how soon a new scan begins, after a kill and otherwise. */
class KilledLoad {
  readonly counts = { right: 0, unavailable: 0 }
  readonly wrong: string[] = []
  readonly recoveriesMs: number[] = []
  readonly usualMs: number[] = []
  killedMs: number | undefined
  isOver = false
  readonly #table: HostileTable
  readonly #right: string

  constructor(table: HostileTable, right: string) {
    this.#table = table
    this.#right = right
  }

  async start(): Promise<void> {
    await Promise.all([...Array.from({ length: READERS }, () => this.#read()), this.#probe()])
  }

  async #read(): Promise<void> {
    while (!this.isOver) {
      await this.#judged(async () => {
        const hash = await this.#table.hashOf(this.#table.scan())
        if (hash === this.#right) this.counts.right++
        else this.wrong.push('other bytes')
      })
    }
  }

  async #probe(): Promise<void> {
    let usualAtMs = performance.now()
    while (!this.isOver) {
      const sinceMs = this.killedMs
      const now = performance.now()
      this.killedMs = undefined
      if (sinceMs !== undefined) {
        await this.#judged(() => this.#firstFrame(sinceMs, this.recoveriesMs))
      } else if (now < usualAtMs) await after(5)
      else {
        usualAtMs = now + USUAL_WAIT_MS
        await this.#judged(() => this.#firstFrame(now, this.usualMs))
      }
    }
  }

  async #firstFrame(sinceMs: number, into: number[]): Promise<void> {
    for await (const frame of this.#table.scan().frames) {
      frame.release()
      into.push(performance.now() - sinceMs)
      break
    }
  }

  async #judged(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (reason) {
      const { code, message, retryAfterMs } = GatewayError.from(reason)
      if (code === 'unavailable') this.counts.unavailable++
      else this.wrong.push(`${code}: ${message}`)
      await after(retryAfterMs ?? 0)
    }
  }
}

t.test('workers that are killed at any moment cost nothing', { skip: isSkipped }, async (t) => {
  t.setTimeout(60_000 + killCount * 1_500)
  const alive = new Set<Worker>()
  const warm = new Set<Worker>()
  const startsMs: number[] = []
  const hired = (worker: Worker) => {
    alive.add(worker)
    const hiredMs = performance.now()
    worker.once('message', () => {
      warm.add(worker)
      startsMs.push(performance.now() - hiredMs)
    })
    worker.once('exit', () => {
      alive.delete(worker)
      warm.delete(worker)
    })
  }
  process.on('worker', hired)
  t.teardown(() => process.off('worker', hired))
  const bundled = await bundleWorker()
  t.teardown(() => bundled.remove())
  const { entry } = bundled
  const table = await startHostileTable({ workerCount: WORKERS, entry })
  t.teardown(() => table.stop())
  const { pool } = table
  t.ok(await until(() => pool.hasSpare), 'a spare is warm')
  const right = await table.hashOf(table.scan())
  const before = { threads: threadCount(), handles: handleCount() }

  const random = randomNumbers(9)
  const load = new KilledLoad(table, right)
  const readers = load.start()
  const endMs = performance.now() + killMsMax
  let killed = 0
  while (killed < killCount && performance.now() < endMs) {
    if (random() < SPARE_SHARE) await until(() => pool.hasSpare)
    await after(random() * KILL_WAIT_MS_MAX)
    const victims = [...warm]
    const victim = victims[Math.floor(random() * victims.length)]
    if (victim === undefined) continue
    load.killedMs = performance.now()
    warm.delete(victim)
    void victim.terminate()
    killed++
  }
  load.isOver = true
  await readers

  const { counts, recoveriesMs, usualMs, wrong } = load
  t.comment(`${killed} kills: ${JSON.stringify(counts)}`)
  t.comment(`first frame after a kill: ${spread(recoveriesMs)}`)
  t.comment(`first frame when nothing was killed just now: ${spread(usualMs)}`)
  t.comment(`a worker starts within ${spread(startsMs)}`)
  t.strictSame(wrong, [])
  t.ok(counts.right > 0)
  t.ok(await until(() => pool.hasSpare && pool.load === 0))
  t.equal(alive.size, WORKERS + 1, 'no thread is left over')
  t.equal(pool.admission.usedBytes, 0, 'no memory is held')
  t.equal(pool.admission.waitingCount, 0)
  t.strictSame(pool.quarantine.list(), [], 'no file is blamed')
  t.equal(await table.hashOf(table.scan()), right)
  t.ok(await until(() => threadCount() <= before.threads), `${threadCount()} threads`)
  t.ok(await until(() => handleCount() <= before.handles + WORKERS * 8), `${handleCount()} handles`)
})
