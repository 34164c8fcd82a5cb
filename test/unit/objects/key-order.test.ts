import t from 'tap'
import { compareKeys, lowerBound } from '../../../service/objects/key-order.ts'

const characters = ['', '\u0001', '-', '/', '0', 'a', 'é', '\uD7FF', '\uE000', '\uFFFD', '😀', '𐀀']
const keys = characters.flatMap((left) => characters.map((right) => `k${left}${right}`))

t.test('keys are in the order of their UTF-8 bytes', async (t) => {
  for (const left of keys)
    for (const right of keys) {
      const wanted = Buffer.compare(Buffer.from(left), Buffer.from(right))
      if (Math.sign(compareKeys(left, right)) !== wanted) t.fail(`${left} and ${right}`)
    }
  t.pass(`${keys.length ** 2} pairs`)
})

t.test('the lower bound is the first key not below', async (t) => {
  const sorted = keys.toSorted(compareKeys)
  for (const key of [...keys, '', 'zz'])
    t.equal(lowerBound(sorted, key), sorted.filter((other) => compareKeys(other, key) < 0).length)
})
