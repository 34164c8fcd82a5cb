import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { staticCredentials } from '../../../service/credentials/store-credentials.ts'
import { GatewayError } from '../../../service/errors.ts'
import type { ReadRequest } from '../../../service/objects/object-store.ts'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { objectChanged, StoreRefusal } from '../../../service/objects/store-refusal.ts'
import { withPinnedVersions } from '../../../service/objects/with-pinned-versions.ts'

const { signal } = new AbortController()
const object = { bucket: 'b', key: 'k', etag: 'e', sizeBytes: 4 }
const range = { start: 0, end: 4 }
const old = Buffer.from('old!')

/** A store whose object was replaced, or was not; versions are read as `versioned` says. */
function replaced(isReplaced: boolean, versioned: () => Promise<Uint8Array>) {
  const asked: (string | undefined)[] = []
  const store = withPinnedVersions({
    ...memoryStore(),
    read: async (request: ReadRequest) => {
      asked.push(request.object.versionId)
      if (request.object.versionId !== undefined) return versioned()
      if (isReplaced) throw objectChanged(request.object, 'now there is version f')
      return old
    },
  })
  return { store, asked }
}

const pinned = { ...object, versionId: 'v1' }

t.test('asks for a version by name only when the object is no longer it', async (t) => {
  const same = replaced(false, async () => old)
  t.equal(await same.store.read({ object: pinned, range }, signal), old)
  t.strictSame(same.asked, [undefined])
  const other = replaced(true, async () => old)
  t.equal(await other.store.read({ object: pinned, range }, signal), old)
  t.strictSame(other.asked, [undefined, 'v1'])
  await t.rejects(other.store.read({ object, range }, signal), { code: 'object_changed' })
  t.strictSame(other.asked, [undefined, 'v1', undefined])
})

t.test(
  'says that the object has changed when its version may not be read, or has gone',
  async (t) => {
    const cause = new StoreRefusal(403, 'AccessDenied', 'no')
    const refused = new GatewayError('unavailable', 'no right', { cause })
    const gone = objectChanged(pinned, 'it is gone')
    for (const failure of [refused, gone]) {
      const { store } = replaced(true, () => Promise.reject(failure))
      await t.rejects(store.read({ object: pinned, range }, signal), { code: 'object_changed' })
    }
    const { store } = replaced(true, () => Promise.reject(new GatewayError('unavailable', 'down')))
    await t.rejects(store.read({ object: pinned, range }, signal), { code: 'unavailable' })
  },
)

t.test('whoever asks with credentials of its own may be refused what is gone', async (t) => {
  const cause = new StoreRefusal(403, 'AccessDenied', 'no')
  const refused = new GatewayError('unavailable', 'no right', { cause })
  const credentials = staticCredentials({ accessKey: 'own', secretKey: new Secret('s') })
  const store = withPinnedVersions({
    ...memoryStore(),
    read: async ({ object: { versionId } }: ReadRequest) => {
      if (versionId === undefined) throw refused
      return old
    },
  })
  t.equal(await store.read({ object: pinned, range, credentials }, signal), old)
  await t.rejects(store.read({ object: pinned, range }, signal), refused)
})
