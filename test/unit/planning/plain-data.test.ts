import t from 'tap'
import { decodePlainData, encodePlainData } from '../../../service/planning/plain-data.ts'

const fail = (): never => {
  throw new Error('not plain data')
}
const again = (data: unknown) => decodePlainData(encodePlainData(data), fail)

t.test('keeps what JSON has no words for', async (t) => {
  const data = {
    integer: 2n ** 70n,
    bytes: Uint8Array.of(0, 255, 128),
    list: [NaN, Infinity, -Infinity, -0, 0, 1.5, 1e300],
    nested: { null: null, text: 'größe 😀', yes: true, none: [] },
  }
  t.strictSame(again(data), data)
  t.ok(Object.is((again({ zero: -0 }) as { zero: number }).zero, -0))
})

t.test('keys that look like tags stay keys', async (t) => {
  const data = { $i: 'not a number', $b: '%%%', $f: 'x', $$: 1, $$i: { $i: '5' } }
  t.strictSame(again(data), data)
  t.strictSame(again([{ $i: '7' }]), [{ $i: '7' }])
})

t.test('lists of what is alike come back as they were', async (t) => {
  const range = (value: bigint) => ({
    low: { value, inclusive: true },
    high: { value, inclusive: false },
  })
  const lists: readonly unknown[] = [
    Array.from({ length: 1_000 }, (_, at) => range(BigInt(at) * 7n)),
    [{ a: 1 }, { a: 2, b: 3 }],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{}, {}],
    [{ a: [1n, 2n] }, { a: [] }],
    [{ $c: 1 }, { $c: 2 }],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [1n, 2],
    [{ a: null }, { a: -0 }],
    [[{ x: 1 }, { x: 2 }], []],
    [{ __proto: 1 }, { __proto: 2 }],
  ]
  for (const list of lists) {
    t.strictSame(again(list), list)
    t.equal(JSON.stringify(keysOf(again(list))), JSON.stringify(keysOf(list)), 'in their order')
  }
  const bytes = encodePlainData(lists[0]).length
  t.ok(bytes < 30_000, `${bytes} bytes`)
})

const keysOf = (list: unknown) => (list as object[]).map((item) => Object.keys(item))

t.test('bytes that are something else are refused', async (t) => {
  for (const text of ['', '{', '{"$i":"x"}', '{"$i":"1.5"}', '{"$I":"1,x"}', '{"$c":5}']) {
    t.throws(() => decodePlainData(Buffer.from(text), fail), { message: 'not plain data' }, text)
  }
})
