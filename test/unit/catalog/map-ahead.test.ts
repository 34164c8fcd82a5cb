import t from 'tap'
import { mapAhead } from '../../../service/catalog/map-ahead.ts'

const { signal } = new AbortController()

t.test('keeps the order and never has more under way than it may', async (t) => {
  let [underWay, most] = [0, 0]
  const slowest = async (input: number) => {
    underWay += 1
    most = Math.max(most, underWay)
    for (let turn = 10 - input; turn > 0; turn--) await Promise.resolve()
    underWay -= 1
    return input * 2
  }
  const outputs: number[] = []
  const inputs = [1, 2, 3, 4, 5, 6, 7]
  for await (const output of mapAhead(inputs, 3, slowest, signal)) outputs.push(output)
  t.strictSame(outputs, [2, 4, 6, 8, 10, 12, 14])
  t.equal(most, 3)
})

t.test('fails in order and aborts the others', async (t) => {
  const aborted: number[] = []
  const map = (input: number, both: AbortSignal) =>
    input === 2
      ? Promise.reject(new Error('two'))
      : new Promise<number>((resolve) => {
          if (input === 1) resolve(1)
          both.addEventListener('abort', () => aborted.push(input))
        })
  const seen: number[] = []
  const read = async () => {
    for await (const output of mapAhead([1, 2, 3], 3, map, signal)) seen.push(output)
  }
  await t.rejects(read(), { message: 'two' })
  t.strictSame(seen, [1])
  t.ok(aborted.includes(3))
})

t.test('aborts what is under way when the consumer leaves', async (t) => {
  let abortedCount = 0
  const map = async (input: number, both: AbortSignal) => {
    both.addEventListener('abort', () => (abortedCount += 1))
    return input
  }
  for await (const output of mapAhead([1, 2, 3, 4], 2, map, signal)) if (output === 1) break
  t.equal(abortedCount, 2)
})
