import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import {
  askedCredentials,
  type PlainCredentials,
  toPlainCredentials,
} from '../../../service/scan/worker-credentials.ts'

const quiet = new AbortController().signal
const plain: PlainCredentials = { accessKey: 'a', secretKey: 's', sessionToken: 't', expiresMs: 5 }

t.test('credentials arrive as they were sent, secrets as secrets', async (t) => {
  const source = askedCredentials({ ask: async () => plain, nowMs: () => 0 })
  const credentials = await source.get(quiet)
  t.equal(JSON.stringify(credentials).includes('"s"'), false)
  t.strictSame(toPlainCredentials(credentials), plain)
  const bare = { accessKey: 'a', secretKey: new Secret('s') }
  t.strictSame(toPlainCredentials(bare), { accessKey: 'a', secretKey: 's' })
})

t.test('one question serves many, until it is old or refused', async (t) => {
  const asked: boolean[] = []
  let nowMs = 0
  const source = askedCredentials({
    ask: async (isRefused) => {
      asked.push(isRefused)
      return plain
    },
    nowMs: () => nowMs,
  })
  await Promise.all([source.get(quiet), source.get(quiet)])
  await source.get(quiet)
  t.strictSame(asked, [false])
  source.expire()
  await source.get(quiet)
  t.strictSame(asked, [false, true])
  nowMs = 60_000
  await source.get(quiet)
  t.strictSame(asked, [false, true, false])
  source.expire(undefined, 'rights')
  await source.get(quiet)
  t.strictSame(asked, [false, true, false, false], 'a missing right is not the keys’ fault')
})

t.test('a failure is not kept, and who gives up does not take the others along', async (t) => {
  const answers: ((answer: PlainCredentials | Error) => void)[] = []
  const ask = () =>
    new Promise<PlainCredentials>((resolve, reject) =>
      answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer))),
    )
  const source = askedCredentials({ ask, nowMs: () => 0 })
  const failing = source.get(quiet)
  answers[0]?.(new Error('no'))
  await t.rejects(failing, { message: 'no' })
  const gone = new AbortController()
  const leaving = source.get(gone.signal)
  const staying = source.get(quiet)
  gone.abort()
  await t.rejects(leaving, { code: 'cancelled' })
  await t.rejects(source.get(gone.signal), { code: 'cancelled' })
  answers[1]?.(plain)
  t.equal((await staying).accessKey, 'a')
  t.equal(answers.length, 2)
})
