import t from 'tap'
import { Inbox } from '../../../service/scan/inbox.ts'
import { growingReadAhead, readAhead } from '../../../service/scan/read-ahead.ts'

const quiet = new AbortController().signal

/** Reads that end when they are told to. */
function manualReads(bytes: number) {
  const open = new Map<number, { resolve(value: string): void; reject(reason: Error): void }>()
  const started: number[] = []
  const discarded: string[] = []
  return {
    open,
    started,
    discarded,
    bytesOf: () => bytes,
    start: (input: number, signal: AbortSignal) => {
      started.push(input)
      return new Promise<string>((resolve, reject) => {
        open.set(input, { resolve, reject })
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    },
    discard: (output: string) => discarded.push(output),
  }
}

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 1; i <= count; i++) yield i
}

const settle = () => new Promise(setImmediate)

t.test('reads run ahead to the limit, and come in order', async (t) => {
  const reads = manualReads(1)
  const outputs = readAhead(numbers(5), reads, { countMax: 3, bytesMax: 100 }, quiet)
  const first = outputs.next()
  await settle()
  t.strictSame(reads.started, [1, 2, 3])
  reads.open.get(2)?.resolve('two')
  reads.open.get(1)?.resolve('one')
  t.strictSame(await first, { done: false, value: 'one' })
  t.strictSame(await outputs.next(), { done: false, value: 'two' })
  const third = outputs.next()
  await settle()
  t.strictSame(reads.started, [1, 2, 3, 4, 5])
  for (const [input, read] of reads.open) read.resolve(String(input))
  t.strictSame(await third, { done: false, value: '3' })
  t.strictSame((await outputs.next()).value, '4')
  t.strictSame((await outputs.next()).value, '5')
  t.equal((await outputs.next()).done, true)
})

t.test('where the next may be the last, one is read, then more each time', async (t) => {
  const reads = manualReads(1)
  const limits = growingReadAhead({ countMax: 3, bytesMax: 100 })
  const outputs = readAhead(numbers(9), reads, limits, quiet)
  for (const started of [1, 3, 5, 6]) {
    const next = outputs.next()
    await settle()
    t.equal(reads.started.length, started)
    for (const [input, read] of reads.open) read.resolve(String(input))
    await next
    limits.grow()
  }
  t.equal(limits.countMax, 3)
})

t.test('bytes bound them too, one is always allowed', async (t) => {
  const reads = manualReads(60)
  const outputs = readAhead(numbers(5), reads, { countMax: 5, bytesMax: 100 }, quiet)
  outputs.next().catch(() => {})
  await settle()
  t.strictSame(reads.started, [1, 2])
  const large = manualReads(1_000)
  readAhead(numbers(5), large, { countMax: 5, bytesMax: 100 }, quiet)
    .next()
    .catch(() => {})
  await settle()
  t.strictSame(large.started, [1])
})

t.test('what is read comes out although the next input has not come', async (t) => {
  const reads = manualReads(1)
  const inputs = new Inbox<number>()
  const outputs = readAhead(inputs, reads, { countMax: 3, bytesMax: 100 }, quiet)
  const first = outputs.next()
  inputs.push(1)
  await settle()
  reads.open.get(1)?.resolve('one')
  t.strictSame(await first, { done: false, value: 'one' })
  const second = outputs.next()
  inputs.push(2)
  await settle()
  reads.open.get(2)?.resolve('two')
  t.strictSame(await second, { done: false, value: 'two' })
  inputs.end()
  t.equal((await outputs.next()).done, true)
})

t.test('leaving aborts what is under way and discards what came', async (t) => {
  const reads = manualReads(1)
  const outputs = readAhead(numbers(5), reads, { countMax: 3, bytesMax: 100 }, quiet)
  const first = outputs.next()
  await settle()
  reads.open.get(1)?.resolve('one')
  reads.open.get(2)?.resolve('two')
  await first
  await outputs.return()
  await settle()
  t.strictSame(reads.discarded, ['two'])
  t.strictSame(reads.started, [1, 2, 3])
})

t.test('the first failure in order is thrown, a failing input too', async (t) => {
  const reads = manualReads(1)
  const outputs = readAhead(numbers(3), reads, { countMax: 3, bytesMax: 100 }, quiet)
  const first = outputs.next()
  await settle()
  reads.open.get(2)?.reject(new Error('second'))
  await settle()
  reads.open.get(1)?.resolve('one')
  t.equal((await first).value, 'one')
  await t.rejects(outputs.next(), { message: 'second' })
  const inputs = new Inbox<number>()
  inputs.fail(new Error('no input'))
  const failing = readAhead(inputs, reads, { countMax: 3, bytesMax: 100 }, quiet)
  await t.rejects(failing.next(), { message: 'no input' })
})
