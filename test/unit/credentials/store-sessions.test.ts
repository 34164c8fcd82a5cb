import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { StoreSessions } from '../../../service/credentials/store-sessions.ts'

const forEver = new AbortController().signal
const HOUR_MS = 3_600_000

function startSessions(sessionsMax?: number) {
  const clock = { nowMs: 0 }
  const asked: string[] = []
  const sessions = new StoreSessions({
    nowMs: () => clock.nowMs,
    ...(sessionsMax !== undefined && { sessionsMax }),
    providerOf: (policy) => ({
      source: 'assume-role',
      async retrieve() {
        asked.push(policy)
        const accessKey = `session-${asked.length}`
        return { accessKey, secretKey: new Secret('s'), expiresMs: clock.nowMs + HOUR_MS }
      },
    }),
  })
  const keyOf = async (caller: string, policy: string) =>
    (await sessions.sourceOf({ caller, policy }).get(forEver)).accessKey
  return { clock, asked, keyOf }
}

t.test('one question for many reads of a caller, another for another caller', async (t) => {
  const { asked, keyOf } = startSessions()
  const keys = await Promise.all(Array.from({ length: 50 }, () => keyOf('ann', 'p')))
  t.strictSame(new Set(keys), new Set(['session-1']))
  t.equal(await keyOf('bob', 'p'), 'session-2', 'also where the rights are the same')
  t.equal(asked.length, 2)
})

t.test('a session is replaced before it ends', async (t) => {
  const { asked, clock, keyOf } = startSessions()
  await keyOf('ann', 'p')
  clock.nowMs = 0.6 * HOUR_MS
  t.equal(await keyOf('ann', 'p'), 'session-1')
  t.equal(asked.length, 1)
  clock.nowMs = 0.85 * HOUR_MS
  t.equal(await keyOf('ann', 'p'), 'session-1', 'the old one serves while the next is asked for')
  await new Promise(setImmediate)
  t.equal(await keyOf('ann', 'p'), 'session-2')
  t.equal(asked.length, 2)
})

t.test('a policy that changes is another session', async (t) => {
  const { asked, keyOf } = startSessions()
  await keyOf('ann', 'p')
  t.equal(await keyOf('ann', 'q'), 'session-2')
  t.strictSame(asked, ['p', 'q'])
})

t.test('no more sessions than so many, the one used longest ago goes first', async (t) => {
  const { keyOf } = startSessions(2)
  await keyOf('a', 'p')
  await keyOf('b', 'p')
  await keyOf('a', 'p')
  await keyOf('c', 'p')
  t.equal(await keyOf('a', 'p'), 'session-1')
  t.equal(await keyOf('b', 'p'), 'session-4')
})
