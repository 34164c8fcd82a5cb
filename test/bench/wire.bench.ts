import { join } from 'node:path'
import { cpuSecondsOf } from '../support/bench-cpu.ts'
import { type BenchOptions, type Figure, skipped } from '../support/bench-figure.ts'
import { type LineProcess, startLineProcess } from '../support/bench-line-process.ts'
import { findPython, NO_PYTHON, pythonScript } from '../support/bench-python.ts'
import { medianOfRounds } from '../support/bench-rounds.ts'

export const title = 'The wire alone: batches that are framed already, to a pyarrow client'

const figure = { name: 'wire only: speed, of pyarrow', unit: '×', must: { atLeast: 0.95 } }
/** 1 MiB, as the gateway's frames: 4 columns of doubles. */
const ROWS = 32_768
const COLUMNS = 4
const BATCHES = 2_000
const BATCHES_SMOKE = 20

export async function run({ smoke, print }: BenchOptions): Promise<readonly Figure[]> {
  const python = findPython()
  if (python === undefined) return [skipped(figure, NO_PYTHON)]
  const shape = [smoke ? BATCHES_SMOKE : BATCHES, ROWS, COLUMNS].map(String)
  const server = join(import.meta.dirname, 'wire-server.ts')
  const sides = {
    ours: await startLineProcess({
      command: process.execPath,
      words: ['--import=tsx', server, ...shape],
    }),
    theirs: await startLineProcess({
      command: python,
      words: [pythonScript('wire_peer.py'), ...shape],
    }),
  }
  const readerOf = (side: LineProcess) =>
    startLineProcess({
      command: python,
      words: [pythonScript('flight_reader.py'), String(side.ready['port'])],
    })
  const readers = { ours: await readerOf(sides.ours), theirs: await readerOf(sides.theirs) }
  const read = async (name: keyof typeof sides) => {
    const cpuBefore = cpuSecondsOf(sides[name].pid)
    const { seconds, bytes } = await readers[name].ask({ table: 'wire' })
    const cpuSeconds = cpuSecondsOf(sides[name].pid) - cpuBefore
    return { seconds: Number(seconds), bytes: Number(bytes), cpuSeconds }
  }
  try {
    const { ours, theirs } = await medianOfRounds(smoke ? 1 : 7, {
      ours: () => read('ours'),
      theirs: () => read('theirs'),
    })
    if (ours.bytes !== theirs.bytes) throw new Error(`${ours.bytes} bytes, not ${theirs.bytes}`)
    for (const [name, { seconds, bytes, cpuSeconds }] of Object.entries({ ours, theirs })) {
      const speed = (bytes / 1e6 / seconds).toFixed(0)
      print(`${name.padEnd(7)} ${speed} MB/s, ${((cpuSeconds / bytes) * 1e9).toFixed(2)} CPU s/GB`)
    }
    return [{ ...figure, reached: theirs.seconds / ours.seconds }]
  } finally {
    const all = [...Object.values(readers), ...Object.values(sides)]
    await Promise.all(all.map((one) => one.stop()))
  }
}
