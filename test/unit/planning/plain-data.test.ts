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

t.test('bytes that are something else are refused', async (t) => {
  for (const text of ['', '{', '{"$i":"x"}', '{"$i":"1.5"}']) {
    t.throws(() => decodePlainData(Buffer.from(text), fail), { message: 'not plain data' }, text)
  }
})
