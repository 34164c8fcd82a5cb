import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { lowerBound } from '../objects/key-order.ts'
import { StoreRefusal } from '../objects/store-refusal.ts'

export interface EmbeddedObject {
  readonly key: string
  /** MD5 of the bytes, as S3 has it for a plain upload. */
  readonly etag: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** The bytes from `start` to `end` (exclusive), of this version even when it is replaced meanwhile. */
  stream(start: number, end: number): Readable
}

export interface EmbeddedBucket {
  /** By `compareKeys`. */
  readonly sortedKeys: readonly string[]
  get(key: string): EmbeddedObject | undefined
  put(key: string, bytes: Uint8Array, nowMs: number): Promise<EmbeddedObject>
  delete(key: string): void
}

export interface EmbeddedBuckets {
  names(): readonly string[]
  /** @throws {StoreRefusal} 404 `NoSuchBucket`. */
  get(name: string): EmbeddedBucket
  /** @throws {StoreRefusal} 409 there is one, 400 the name is none. */
  create(name: string): void
}

export interface EmbeddedObjectsOptions {
  /** Where the bytes are kept; absent: in memory. What lies there is of use to this process only. */
  readonly folder?: string
  /** Of all objects together. */
  readonly bytesMax: number
}

interface Held {
  readonly object: EmbeddedObject
  discard(): void
}

/** The buckets and their index; the index is always in memory. */
export function embeddedBuckets(options: EmbeddedObjectsOptions): EmbeddedBuckets {
  const buckets = new Map<string, EmbeddedBucket>()
  const keep = keeper(options)
  return {
    names: () => [...buckets.keys()].toSorted(),
    get(name) {
      const bucket = buckets.get(name)
      if (bucket === undefined)
        throw new StoreRefusal(404, 'NoSuchBucket', 'the bucket does not exist')
      return bucket
    },
    create(name) {
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
        throw new StoreRefusal(400, 'InvalidBucketName', 'the bucket name is not valid')
      if (buckets.has(name))
        throw new StoreRefusal(409, 'BucketAlreadyOwnedByYou', 'the bucket exists already')
      buckets.set(name, bucketOf(keep))
    },
  }
}

type Keep = (key: string, bytes: Uint8Array, nowMs: number) => Promise<Held>

function bucketOf(keep: Keep): EmbeddedBucket {
  const sortedKeys: string[] = []
  const held = new Map<string, Held>()
  return {
    sortedKeys,
    get: (key) => held.get(key)?.object,
    async put(key, bytes, nowMs) {
      const entry = await keep(key, bytes, nowMs)
      const old = held.get(key)
      if (old === undefined) sortedKeys.splice(lowerBound(sortedKeys, key), 0, key)
      old?.discard()
      held.set(key, entry)
      return entry.object
    },
    delete(key) {
      const old = held.get(key)
      if (old === undefined) return
      old.discard()
      held.delete(key)
      sortedKeys.splice(lowerBound(sortedKeys, key), 1)
    },
  }
}

function keeper({ folder, bytesMax }: EmbeddedObjectsOptions): Keep {
  let bytesHeld = 0
  let filesWritten = 0
  return async (key, bytes, nowMs) => {
    const sizeBytes = bytes.length
    if (bytesHeld + sizeBytes > bytesMax)
      throw new StoreRefusal(507, 'XMinioStorageFull', `the store holds ${bytesMax} bytes at most`)
    bytesHeld += sizeBytes
    const file = folder === undefined ? undefined : join(folder, `${filesWritten++}.object`)
    if (folder !== undefined && file !== undefined) {
      await mkdir(folder, { recursive: true })
      await writeFile(file, bytes)
    }
    const stream = file === undefined ? memoryStream(bytes) : fileStream(file)
    const etag = createHash('md5').update(bytes).digest('hex')
    return {
      object: { key, etag, sizeBytes, modifiedMs: nowMs, stream },
      discard() {
        bytesHeld -= sizeBytes
        if (file !== undefined) void rm(file, { force: true })
      },
    }
  }
}

type StreamRange = EmbeddedObject['stream']

function memoryStream(bytes: Uint8Array): StreamRange {
  return (start, end) => Readable.from([bytes.subarray(start, end)], { objectMode: false })
}

function fileStream(file: string): StreamRange {
  return (start, end) =>
    start === end ? Readable.from([]) : createReadStream(file, { start, end: end - 1 })
}
