import { GatewayError } from '../errors.ts'
import type { ObjectStore } from './object-store.ts'
import { StoreRefusal } from './store-refusal.ts'

/**
 * Reads of a pinned version outlive its replacement and deletion. The version is asked for by name only when the
 * object is no longer it: that takes the right `s3:GetObjectVersion`, which many who may read objects lack. Without
 * the right, and where the version has gone too, the object has changed. Whoever may not list is refused what is gone:
 * with credentials of its own a read that is refused asks for the version too.
 */
export function withPinnedVersions(store: ObjectStore): ObjectStore {
  return {
    id: store.id,
    listBuckets: (signal) => store.listBuckets(signal),
    list: (request, signal) => store.list(request, signal),
    async read(request, signal) {
      const { versionId, ...current } = request.object
      if (versionId === undefined) return store.read(request, signal)
      try {
        return await store.read({ ...request, object: current }, signal)
      } catch (changed) {
        const mayBeGone = request.credentials !== undefined && isRefusal(changed)
        if (!mayBeGone && !isChange(changed)) throw changed
        try {
          return await store.read(request, signal)
        } catch (refused) {
          throw isRefusal(refused) ? changed : refused
        }
      }
    },
    close: () => store.close(),
  }
}

function isChange(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'object_changed'
}

function isRefusal(error: unknown): boolean {
  return error instanceof GatewayError && error.cause instanceof StoreRefusal
}
