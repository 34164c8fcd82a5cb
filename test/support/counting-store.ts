import type { ListRequest, ObjectStore, ReadRequest } from '../../service/objects/object-store.ts'

/** A store that writes down what is asked of it. */
export interface CountingStore extends ObjectStore {
  readonly reads: ReadRequest[]
  readonly lists: ListRequest[]
  /** Of `reads`, together. */
  bytesAsked(): number
  /** Forgets what was asked so far. */
  reset(): void
}

/** Passes everything on; calls that fail count too. */
export function countingStore(store: ObjectStore): CountingStore {
  const reads: ReadRequest[] = []
  const lists: ListRequest[] = []
  return {
    id: store.id,
    reads,
    lists,
    bytesAsked: () => reads.reduce((sum, { range }) => sum + range.end - range.start, 0),
    reset() {
      reads.length = 0
      lists.length = 0
    },
    listBuckets: (signal) => store.listBuckets(signal),
    list(request, signal) {
      lists.push(request)
      return store.list(request, signal)
    },
    read(request, signal) {
      reads.push(request)
      return store.read(request, signal)
    },
    close: () => store.close(),
  }
}
