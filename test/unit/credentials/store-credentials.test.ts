import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import {
  sameCredentials,
  staticCredentials,
} from '../../../service/credentials/store-credentials.ts'

const keys = { accessKey: 'a', secretKey: new Secret('s') }

t.test('static credentials stay what they are', async (t) => {
  const source = staticCredentials(keys)
  source.expire()
  t.equal(await source.get(new AbortController().signal), keys)
})

t.test('credentials are the same when all that signs is the same', async (t) => {
  const token = new Secret('t')
  t.ok(sameCredentials(keys, keys))
  t.ok(sameCredentials(keys, { accessKey: 'a', secretKey: new Secret('s'), expiresMs: 5 }))
  t.notOk(sameCredentials(keys, { ...keys, accessKey: 'b' }))
  t.notOk(sameCredentials(keys, { ...keys, secretKey: new Secret('z') }))
  t.notOk(sameCredentials(keys, { ...keys, sessionToken: token }))
  t.notOk(sameCredentials({ ...keys, sessionToken: token }, keys))
  const renewed = { ...keys, sessionToken: new Secret('u') }
  t.notOk(sameCredentials({ ...keys, sessionToken: token }, renewed))
  t.ok(sameCredentials(renewed, { ...keys, sessionToken: new Secret('u') }))
})
