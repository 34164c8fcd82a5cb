import type {
  ListedObject,
  ListRequest,
  ObjectStore,
  ObjectVersion,
} from '../../service/objects/object-store.ts'
import type { s3Store } from '../../service/objects/s3-store.ts'

/** A store under test and the hand that writes to it. */
export interface StoreSubject {
  readonly store: ObjectStore
  createBucket(bucket: string): Promise<void>
  put(bucket: string, key: string, bytes: Uint8Array): Promise<void>
  delete(bucket: string, key: string): Promise<void>
  /** Keys the store behind cannot hold, or cannot list as they are. */
  readonly cannotHold?: readonly string[]
  /** Where it is, for the faults of the network; absent: there is no network. */
  readonly remote?: StoreAddress
  stop(): Promise<void>
}

export interface StoreAddress {
  readonly url: string
  readonly accessKey: string
  readonly secretKey: string
  /** Opens the kind of store under test; absent: `s3Store`. */
  readonly open?: typeof s3Store
}

/** The listed object of that key. */
export async function find(store: ObjectStore, bucket: string, key: string): Promise<ListedObject> {
  const objects = await listAll(store, deep(bucket, key))
  const object = objects.find((listed) => listed.key === key)
  if (object === undefined) throw new Error(`${bucket}/${key} is not listed`)
  return object
}

/** All bytes of one version. */
export function readWhole(store: ObjectStore, object: ObjectVersion): Promise<Uint8Array> {
  return store.read(
    { object, range: { start: 0, end: object.sizeBytes } },
    new AbortController().signal,
  )
}

/** All pages of a listing. */
export async function listAll(store: ObjectStore, request: ListRequest): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  let continuation: string | undefined
  do {
    const place = continuation === undefined ? request : { ...request, continuation }
    const page = await store.list(place, new AbortController().signal)
    objects.push(...page.objects)
    continuation = page.continuation
  } while (continuation !== undefined)
  return objects
}

/** Only what lies directly below. */
export function shallow(bucket: string, prefix: string): ListRequest {
  return { bucket, prefix, shallow: true }
}

/** All that begins with the prefix. */
export function deep(bucket: string, prefix: string): ListRequest {
  return { bucket, prefix, shallow: false }
}
