import { type ByteRange, rangeLength } from '../objects/byte-range.ts'
import { coalesceRanges } from '../objects/coalesce-ranges.ts'
import type { ObjectStore, ObjectVersion, ReadPurpose } from '../objects/object-store.ts'

/** What one look-up cost: reads of the store, and those of its bytes that nobody asked for. */
export interface IndexCost {
  readonly requests: number
  readonly bytes: number
  readonly wastedBytes: number
}

export interface IndexAnswer extends IndexCost {
  /** In the order of the ranges; views of what is kept. */
  readonly parts: readonly Uint8Array[]
}

/** Parts of one file. */
export interface IndexRequest {
  readonly object: ObjectVersion
  readonly ranges: readonly ByteRange[]
  readonly purpose: ReadPurpose
}

export interface IndexSource {
  /** Bytes of the ranges that a read would have to fetch. */
  lackingBytes(request: Omit<IndexRequest, 'purpose'>): number
  /** @throws {GatewayError} what the store throws. */
  read(request: IndexRequest, signal: AbortSignal): Promise<IndexAnswer>
}

/** A run of bytes of a file. */
interface Run extends ByteRange {
  readonly bytes: Uint8Array
}

/**
 * Page indexes and bloom filters as bytes, by store, bucket, key and ETag; the files used least recently are dropped
 * first. What lies close together is read in one request.
 */
export class IndexCache implements IndexSource {
  readonly #store: ObjectStore
  readonly #bytesMax: number
  readonly #held = new Map<string, readonly Run[]>()
  #heldBytes = 0

  constructor({ store, bytesMax }: { readonly store: ObjectStore; readonly bytesMax: number }) {
    this.#store = store
    this.#bytesMax = bytesMax
  }

  /** Never more than was given as `bytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  lackingBytes({ object, ranges }: Omit<IndexRequest, 'purpose'>): number {
    const runs = this.#held.get(this.#nameOf(object)) ?? []
    return sumOf(ranges.filter((range) => partOf(runs, range) === undefined))
  }

  async read({ object, ranges, purpose }: IndexRequest, signal: AbortSignal): Promise<IndexAnswer> {
    const held = this.#held.get(this.#nameOf(object)) ?? []
    const lacking = ranges.filter((range) => partOf(held, range) === undefined)
    const runs = await Promise.all(
      coalesceRanges(lacking).map(async (range): Promise<Run> => {
        const bytes = await this.#store.read({ object, range, purpose }, signal)
        return { ...range, bytes }
      }),
    )
    for (const run of runs) this.keep(object, run)
    const known = [...held, ...runs]
    const bytes = sumOf(runs)
    return {
      parts: ranges.map((range) => partOf(known, range) ?? new Uint8Array()),
      requests: runs.length,
      bytes,
      wastedBytes: bytes - coveredBytes(lacking),
    }
  }

  /** Bytes that came along with another read, from now on the cache's own. */
  keep(object: ObjectVersion, run: Run): void {
    const name = this.#nameOf(object)
    const before = this.#held.get(name) ?? []
    // What the new run covers is in it.
    const others = before.filter(({ start, end }) => start < run.start || end > run.end)
    this.#held.delete(name)
    this.#held.set(name, [...others, run])
    this.#heldBytes += sumOf([...others, run]) - sumOf(before)
    for (const [oldest, runs] of this.#held) {
      if (this.#heldBytes <= this.#bytesMax) return
      this.#held.delete(oldest)
      this.#heldBytes -= sumOf(runs)
    }
  }

  #nameOf({ bucket, key, etag }: ObjectVersion): string {
    return JSON.stringify([this.#store.id, bucket, key, etag])
  }
}

function partOf(runs: readonly Run[], { start, end }: ByteRange): Uint8Array | undefined {
  const run = runs.find((one) => one.start <= start && end <= one.end)
  return run?.bytes.subarray(start - run.start, end - run.start)
}

function sumOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, range) => sum + rangeLength(range), 0)
}

/** Bytes that at least one of the ranges holds. */
function coveredBytes(ranges: readonly ByteRange[]): number {
  const apart = { gapBytesMax: 0, runBytesMax: Infinity }
  return sumOf(coalesceRanges(ranges, apart))
}
