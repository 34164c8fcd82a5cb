import { AsyncLocalStorage } from 'node:async_hooks'
import { rangeLength } from './byte-range.ts'
import type { ObjectStore } from './object-store.ts'

/** What requests to a store are for; `other`: reads that name no purpose, such as options and magic numbers. */
export const storePurposes = ['list', 'footer', 'index', 'bloom', 'other'] as const
export type StorePurpose = (typeof storePurposes)[number]

/** Requests that went to a store, refused ones included, and the bytes of the good answers' bodies. */
export interface StoreTally {
  readonly requests: Record<StorePurpose, number>
  readonly bytes: Record<StorePurpose, number>
}

export function emptyTally(): StoreTally {
  return { requests: none(), bytes: none() }
}

function none(): Record<StorePurpose, number> {
  return { list: 0, footer: 0, index: 0, bloom: 0, other: 0 }
}

/** Whose work is under way. A store is shared by all questions, and so are its caches: an argument cannot say it. */
const underWay = new AsyncLocalStorage<StoreTally>()
let workers = 0

/**
 * Does the work; what it asks of stores that count (see {@link withTally}) until its end is added to the tally. Of a
 * request that several wait for, only the one who caused it.
 *
 * Between works the storage is off: on Node 20 it makes every promise of the thread call hooks, also those that carry
 * frames, which never ask a store.
 */
export async function tallied<T>(tally: StoreTally, work: () => Promise<T>): Promise<T> {
  workers += 1
  try {
    return await underWay.run(tally, work)
  } finally {
    workers -= 1
    if (workers === 0) underWay.disable()
  }
}

/** The same for work that is done as it is asked for. */
export async function* talliedSteps<T>(
  tally: StoreTally,
  steps: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const each = steps[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await tallied(tally, () => each.next())
      if (step.done === true) return
      yield step.value
    }
  } finally {
    await each.return?.()
  }
}

/** To be told by the store of the body of a listing: its length is known nowhere else. */
export function tallyListing(bytes: number): void {
  count('bytes', 'list', bytes)
}

function count(what: keyof StoreTally, purpose: StorePurpose, amount: number): void {
  const tally = underWay.getStore()
  if (tally) tally[what][purpose] += amount
}

/** Counts every attempt: it stands below retries and caches. */
export function withTally(store: ObjectStore): ObjectStore {
  return {
    id: store.id,
    listBuckets(signal) {
      count('requests', 'list', 1)
      return store.listBuckets(signal)
    },
    list(request, signal) {
      count('requests', 'list', 1)
      return store.list(request, signal)
    },
    async read(request, signal) {
      const { purpose = 'other', range } = request
      count('requests', purpose, 1)
      const bytes = await store.read(request, signal)
      count('bytes', purpose, rangeLength(range))
      return bytes
    },
    close: () => store.close(),
  }
}
