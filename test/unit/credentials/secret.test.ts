import { inspect } from 'node:util'
import { pino } from 'pino'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'

t.test('a secret shows itself to `reveal` only', async (t) => {
  const secret = new Secret('canary')
  t.equal(secret.reveal(), 'canary')
  const shown = [
    String(secret),
    ['the secret is ', secret].join(''),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: [{ secret }] }, { showHidden: true, depth: 9 }),
    inspect(new Error('x', { cause: { secret } })),
    Object.keys(secret).join(''),
    JSON.stringify(structuredClone(secret)),
  ]
  pino({ level: 'trace' }, { write: (line: string) => shown.push(line) }).info({ secret }, 'said')
  t.equal(shown.length, 9)
  for (const text of shown) t.notMatch(text, /canary/)
})

t.test('secrets are equal by value', async (t) => {
  t.ok(new Secret('same').equals(new Secret('same')))
  t.notOk(new Secret('same').equals(new Secret('other')))
  t.notOk(new Secret('same').equals(new Secret('sama')))
})
