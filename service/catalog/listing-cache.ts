import type { ListPage, ListRequest, ObjectStore } from '../objects/object-store.ts'
import type { AnswerCacheOptions } from './answer-cache.ts'
import { AnswerCache } from './answer-cache.ts'

export type ListingCacheOptions = Omit<AnswerCacheOptions<unknown>, 'entryCount'>

/** Listings of a store, used again for a while; a bucket, an object or a folder is one entry. */
export class ListingCache {
  readonly #store: ObjectStore
  readonly #buckets: AnswerCache<readonly string[]>
  readonly #pages: AnswerCache<ListPage>
  readonly #serials = new WeakMap<ListPage, number>()
  #serial = 0

  constructor(store: ObjectStore, options: ListingCacheOptions) {
    this.#store = store
    this.#buckets = new AnswerCache({ ...options, entryCount: (names) => names.length + 1 })
    this.#pages = new AnswerCache({
      ...options,
      entryCount: ({ objects, prefixes }) => objects.length + prefixes.length + 1,
    })
  }

  listBuckets(signal: AbortSignal): Promise<readonly string[]> {
    return this.#buckets.get('', (shared) => this.#store.listBuckets(shared), signal)
  }

  /** All pages of a listing. None was asked for before the first one: remembered pages stay with theirs. */
  async *pages(
    request: Omit<ListRequest, 'continuation'>,
    signal: AbortSignal,
  ): AsyncGenerator<ListPage> {
    const first = await this.#page(request, 0, signal)
    const serial = this.#serialOf(first)
    yield first
    let { continuation } = first
    while (continuation !== undefined) {
      const page: ListPage = await this.#page({ ...request, continuation }, serial, signal)
      yield page
      continuation = page.continuation
    }
  }

  #page(request: ListRequest, serial: number, signal: AbortSignal): Promise<ListPage> {
    const { bucket, prefix, shallow, startAfter = null, continuation = null } = request
    const key = JSON.stringify([serial, bucket, prefix, shallow, startAfter, continuation])
    return this.#pages.get(key, (shared) => this.#store.list(request, shared), signal)
  }

  #serialOf(first: ListPage): number {
    const serial = this.#serials.get(first) ?? ++this.#serial
    this.#serials.set(first, serial)
    return serial
  }
}
