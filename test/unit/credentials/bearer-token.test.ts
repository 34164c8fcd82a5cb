import t from 'tap'
import { bearerToken } from '../../../service/credentials/bearer-token.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const told = (shown: Parameters<typeof bearerToken>[0]) => {
  const found = bearerToken(shown)
  return found && { ...found, token: found.token.reveal() }
}
const read = (authorization: string) => told({ authorization })

t.test('a token is read from either scheme, with padding or without', async (t) => {
  const padded = base64('a:bb')
  t.match(padded, /=$/)
  t.strictSame(read(`Basic ${padded}`), { caller: 'a', token: 'bb' })
  t.strictSame(read(`basic ${padded.replaceAll('=', '')}`), { caller: 'a', token: 'bb' })
  t.strictSame(read(`Basic ${base64('a:b:c')}`), { caller: 'a', token: 'b:c' })
  t.strictSame(read('BEARER  x.y-z'), { token: 'x.y-z' })
})

t.test('the token of a handshake counts where there is no header', async (t) => {
  t.equal(told({}), undefined)
  t.strictSame(told({ token: 'abc' }), { token: 'abc' })
  t.strictSame(told({ token: 'abc', authorization: 'Bearer x' }), { token: 'x' })
})

t.test('what is neither is unauthenticated, and not told again', async (t) => {
  const long = 'A'.repeat(20_000)
  for (const header of ['', 'Bearer ', 'Basic', 'Digest x', 'Bearer a b', `Basic ${long}`]) {
    t.throws(() => read(header), { code: 'unauthenticated' }, header.slice(0, 20))
  }
  t.throws(() => read(`Basic ${base64('canary')}`), { message: /^(?!.*canary)/ })
  t.throws(() => told({ token: long }), { code: 'unauthenticated' })
})
