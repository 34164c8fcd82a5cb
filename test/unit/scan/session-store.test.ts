import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../../service/errors.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import type { ReadRequest } from '../../../service/objects/object-store.ts'
import { objectChanged, StoreRefusal } from '../../../service/objects/store-refusal.ts'
import { sessionStore } from '../../../service/scan/session-store.ts'

const { signal } = new AbortController()
const object = { bucket: 'b', key: 'k', etag: 'e', sizeBytes: 9 }
const range = { start: 3, end: 9 }
const credentials = staticCredentials({ accessKey: 'session', secretKey: new Secret('s') })

/** A store that refuses sessions like this, and answers the gateway's own keys like that. */
function refusing(refusal: GatewayError, own: () => Promise<Uint8Array>) {
  const asked: ReadRequest[] = []
  const inner = {
    ...memoryStore(),
    read: async (request: ReadRequest) => {
      asked.push(request)
      if (request.credentials === undefined) return own()
      throw refusal
    },
  }
  return { store: sessionStore(inner, credentials), asked }
}

const denied = new GatewayError('unavailable', 'no right', {
  cause: new StoreRefusal(403, 'AccessDenied', 'no'),
})

t.test('what a session may not read stays unread, though the gateway may', async (t) => {
  const { store, asked } = refusing(denied, async () => Buffer.from('!'))
  const into = new Uint8Array(6)
  await t.rejects(store.read({ object, range, into }, signal), denied)
  t.strictSame(into, new Uint8Array(6))
  t.strictSame(asked.slice(1), [{ object, range: { start: 3, end: 4 }, fresh: true }])
})

t.test('what is gone or replaced is told as that', async (t) => {
  const changed = objectChanged(object, 'it is gone')
  const { store } = refusing(denied, () => Promise.reject(changed))
  await t.rejects(store.read({ object, range }, signal), changed)
})

t.test('other failures are asked about no more', async (t) => {
  const down = new GatewayError('unavailable', 'the store is down')
  const { store, asked } = refusing(down, async () => Buffer.from('!'))
  await t.rejects(store.read({ object, range }, signal), down)
  t.equal(asked.length, 1)
})
