import t from 'tap'
import { matchesPattern } from '../../../service/predicate/name-pattern.ts'
import { randomNumbers } from '../../support/columns-random.ts'

t.test('a star stands for any characters, a question mark for one', async (t) => {
  t.ok(matchesPattern('orders', '*'))
  t.ok(matchesPattern('', '*'))
  t.ok(matchesPattern('orders_2026', 'ORDERS_*'))
  t.ok(matchesPattern('orders', 'o?ders'))
  t.ok(matchesPattern('a.b', 'a.b'))
  t.notOk(matchesPattern('axb', 'a.b'))
  t.notOk(matchesPattern('orders', 'order'))
  t.notOk(matchesPattern('orders', 'orders?'))
  t.notOk(matchesPattern('orders', ''))
  t.ok(matchesPattern('abcabcabd', '*abd'))
})

t.test('agrees with a regular expression (seeded)', async (t) => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = randomNumbers(seed)
    const word = (letters: string, lengthMax: number) =>
      Array.from(
        { length: Math.floor(random() * lengthMax) },
        () => letters[Math.floor(random() * letters.length)],
      ).join('')
    const [name, pattern] = [word('ab', 8), word('ab*?', 6)]
    const form = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
    if (matchesPattern(name, pattern) !== form.test(name)) t.fail(`${name} and ${pattern}`)
  }
})

t.test('many stars cost no more than the name is long times the pattern', async (t) => {
  const steps = matchesPattern('a'.repeat(5_000), `${'*a'.repeat(500)}b`)
  t.notOk(steps)
})
