import { GatewayError } from '../errors.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import type { ObjectStore, ObjectVersion, ReadRequest } from '../objects/object-store.ts'
import type { RecordArchive } from './footer-archive.ts'
import type { ArchivedFooter } from './footer-archive-footer.ts'
import { archiveFooter, restoreFooter } from './footer-archive-footer.ts'
import { TRAILER_BYTES } from './footer-limits.ts'
import type { Footer } from './footer.ts'
import { footerRange, footerSource, parseFooter } from './parse-footer.ts'
import { SchemaShelf } from './schema-shelf.ts'
import { Slots } from './slots.ts'

/** First guess at a footer with its trailer: 64 KiB hold the footers of ordinary files in one request. */
export const FOOTER_GUESS_BYTES = 64 * 1024

/** Reads that may wait for their turn: the files of a large table. */
export const FOOTER_READS_WAITING_MAX = 100_000

/** What a remembered failure counts in the cache. */
const FAILURE_HELD_BYTES = 1024

export interface FooterCacheOptions {
  readonly store: ObjectStore
  /** Bytes of footers kept. */
  readonly bytesMax: number
  /** Files read at the same time. */
  readonly concurrency: number
  readonly guessBytes?: number
  /** Keeps footers over a restart; absent: none are. */
  readonly archive?: RecordArchive
  /** Told of what was read of a file between its data and its footer: page indexes and bloom filters lie there. */
  readonly onIndexes?: (
    object: ObjectVersion,
    run: ByteRange & { readonly bytes: Uint8Array },
  ) => void
  /** Told of all that stands before the footer, when the first read has brought it too. */
  readonly onSmallFile?: (object: ObjectVersion, bytes: Uint8Array) => void
}

export interface FooterCacheCounters {
  /** Answers from memory, and those that joined a read under way. */
  readonly hits: number
  readonly misses: number
  /** Of the misses, those that the archive had. */
  readonly restored: number
  /** Requests to the store and the bytes they asked for. */
  readonly reads: number
  readonly readBytes: number
  readonly heldBytes: number
  readonly heldFooters: number
}

/** A footer, or the error that this version of this file will always give. */
type Held = ArchivedFooter | { readonly failure: GatewayError }

interface Flight {
  readonly promise: Promise<Footer>
  readonly controller: AbortController
  waiting: number
}

/**
 * Footers by store, bucket, key and ETag, the least recently used dropped first. A miss takes one ranged
 * read of the file's end, a second only when the footer is longer than the guess. Callers who want the same footer
 * share one read, which is aborted when the last of them has gone. What the store fails with is not kept; what is
 * wrong with the file is, since the ETag pins its bytes.
 */
export class FooterCache {
  readonly #options: FooterCacheOptions
  readonly #held = new Map<string, Held>()
  readonly #flights = new Map<string, Flight>()
  readonly #slots: Slots
  /** Memory for the ends of files, one for each read that was under way at the same time. */
  readonly #tails: Uint8Array[] = []
  readonly #schemas = new SchemaShelf()
  #restored = 0
  #heldBytes = 0
  #hits = 0
  #misses = 0
  #reads = 0
  #readBytes = 0

  constructor(options: FooterCacheOptions) {
    this.#options = options
    this.#slots = new Slots(options.concurrency, FOOTER_READS_WAITING_MAX)
  }

  get counters(): FooterCacheCounters {
    return {
      hits: this.#hits,
      misses: this.#misses,
      restored: this.#restored,
      reads: this.#reads,
      readBytes: this.#readBytes,
      heldBytes: this.#heldBytes,
      heldFooters: this.#held.size,
    }
  }

  /**
   * @throws {GatewayError} what the store throws; `unreadable_file`, `unsupported` and `too_large` as `parseFooter`;
   *   `busy` too many reads wait; `cancelled` the signal aborted.
   */
  async get(object: ObjectVersion, signal: AbortSignal): Promise<Footer> {
    if (signal.aborted) throw cancelled(signal)
    const name = this.#nameOf(object)
    const held = this.#held.get(name)
    if (held !== undefined) {
      this.#hits += 1
      this.#held.delete(name)
      this.#held.set(name, held)
      if ('failure' in held) throw held.failure
      return held.footer
    }
    const flight = this.#flights.get(name)
    if (flight !== undefined) {
      this.#hits += 1
      return this.#join(name, flight, signal)
    }
    this.#misses += 1
    return this.#join(name, this.#launch(name, object), signal)
  }

  /** The object with its version, when the read of its footer told it: so reads outlive its replacement. */
  pin(object: ObjectVersion): ObjectVersion {
    if (object.versionId !== undefined) return object
    const held = this.#held.get(this.#nameOf(object))
    const versionId = held && 'footer' in held ? held.versionId : undefined
    return versionId === undefined ? object : { ...object, versionId }
  }

  #nameOf({ bucket, key, etag }: ObjectVersion): string {
    return JSON.stringify([this.#options.store.id, bucket, key, etag])
  }

  #launch(name: string, object: ObjectVersion): Flight {
    const controller = new AbortController()
    const promise = this.#slots
      .use(() => this.#restoreOrRead(name, object, controller.signal), controller.signal)
      .then(
        (sourced) => {
          this.#keep(name, sourced)
          return sourced.footer
        },
        (error: unknown) => {
          if (isLasting(error)) this.#keep(name, { failure: error })
          throw error
        },
      )
      .finally(() => {
        if (this.#flights.get(name) === flight) this.#flights.delete(name)
      })
    const flight: Flight = { promise, controller, waiting: 0 }
    this.#flights.set(name, flight)
    return flight
  }

  /** Waits for the flight or the caller's signal, whichever comes first. */
  async #join(name: string, flight: Flight, signal: AbortSignal): Promise<Footer> {
    flight.waiting += 1
    const left = whenAborted(signal)
    try {
      return await Promise.race([flight.promise, left.promise])
    } finally {
      left.forget()
      flight.waiting -= 1
      if (flight.waiting === 0 && this.#flights.get(name) === flight) {
        this.#flights.delete(name)
        flight.controller.abort()
      }
    }
  }

  async #restoreOrRead(
    name: string,
    object: ObjectVersion,
    signal: AbortSignal,
  ): Promise<ArchivedFooter> {
    const { archive } = this.#options
    const record = await archive?.get(name)
    const restored = record && restoreFooter(record, object, this.#schemas)
    if (restored) {
      this.#restored += 1
      return restored
    }
    if (record) archive?.discard(name)
    let versionId = object.versionId
    const note = (told: string): void => {
      versionId = told
    }
    const footer = await this.#read(object, note, signal)
    archive?.put(name, archiveFooter({ footer, versionId }))
    return { footer, versionId }
  }

  async #read(
    object: ObjectVersion,
    onVersion: (versionId: string) => void,
    signal: AbortSignal,
  ): Promise<Footer> {
    const guessBytes = Math.max(this.#options.guessBytes ?? FOOTER_GUESS_BYTES, TRAILER_BYTES)
    const end = object.sizeBytes
    if (end < TRAILER_BYTES) return this.#parse(new Uint8Array(), object)
    const start = Math.max(0, end - guessBytes)
    // Reads are many and what is kept of them is little: their memory is used again.
    const into = this.#tails.pop() ?? new Uint8Array(guessBytes)
    try {
      const range = { start, end }
      const tail = await this.#fetch({ object, range, onVersion, into }, signal)
      return await this.#parseTail(object, { start, tail }, signal)
    } finally {
      this.#tails.push(into)
    }
  }

  async #parseTail(
    object: ObjectVersion,
    { start, tail }: { start: number; tail: Uint8Array },
    signal: AbortSignal,
  ): Promise<Footer> {
    const footer = footerRange(tail, footerSource(object))
    if (footer.start >= start)
      return this.#parseWhole(object, { start, footerStart: footer.start, tail })
    const rest = { start: footer.start, end: start }
    const head = await this.#fetch({ object, range: rest }, signal)
    const whole = new Uint8Array(head.length + tail.length)
    whole.set(head)
    whole.set(tail, head.length)
    return this.#parse(whole, object)
  }

  /** The tail holds the footer, and often what stands before it. */
  #parseWhole(
    object: ObjectVersion,
    { start, footerStart, tail }: { start: number; footerStart: number; tail: Uint8Array },
  ): Footer {
    const footer = this.#parse(tail, object)
    // A copy of its own.
    if (start === 0) this.#options.onSmallFile?.(object, tail.slice(0, footerStart))
    const from = Math.max(start, dataEnd(footer))
    if (from < footerStart) {
      // A copy of its own: the tail may be much larger.
      const bytes = tail.slice(from - start, footerStart - start)
      this.#options.onIndexes?.(object, { start: from, end: footerStart, bytes })
    }
    return footer
  }

  #parse(tail: Uint8Array, object: ObjectVersion): Footer {
    return parseFooter(tail, object, this.#schemas)
  }

  #fetch(request: ReadRequest, signal: AbortSignal): Promise<Uint8Array> {
    this.#reads += 1
    this.#readBytes += request.range.end - request.range.start
    return this.#options.store.read({ ...request, purpose: 'footer' }, signal)
  }

  #keep(name: string, held: Held): void {
    const bytes = bytesOf(held)
    if (bytes > this.#options.bytesMax) return
    const before = this.#held.get(name)
    if (before !== undefined) this.#heldBytes -= bytesOf(before)
    this.#held.delete(name)
    this.#held.set(name, held)
    this.#heldBytes += bytes
    for (const [oldest, dropped] of this.#held) {
      if (this.#heldBytes <= this.#options.bytesMax) return
      this.#held.delete(oldest)
      this.#heldBytes -= bytesOf(dropped)
    }
  }
}

/** Where the last row group's chunks end; 0 without row groups. */
function dataEnd(footer: Footer): number {
  const last = footer.rowGroupCount - 1
  const ends = last < 0 ? [] : footer.leaves.map((_, leaf) => footer.chunk(last, leaf).end)
  return ends.reduce((end, one) => Math.max(end, one), 0)
}

function bytesOf(held: Held): number {
  return 'footer' in held ? held.footer.heldBytes : FAILURE_HELD_BYTES
}

const lastingCodes: ReadonlySet<string> = new Set(['unreadable_file', 'unsupported', 'too_large'])

function isLasting(error: unknown): error is GatewayError {
  return error instanceof GatewayError && lastingCodes.has(error.code)
}

function cancelled(signal: AbortSignal): GatewayError {
  return new GatewayError('cancelled', 'the request was cancelled', { cause: signal.reason })
}

/** A promise that rejects when the signal aborts, until it is forgotten. */
function whenAborted(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  let forget = nothing
  const promise = new Promise<never>((_, reject) => {
    const leave = (): void => reject(cancelled(signal))
    signal.addEventListener('abort', leave, { once: true })
    forget = () => signal.removeEventListener('abort', leave)
  })
  return { promise, forget }
}

function nothing(): void {}
