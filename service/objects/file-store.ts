import { constants } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GatewayError } from '../errors.ts'
import { noSuchBucket } from './bucket-name.ts'
import { rangeLength } from './byte-range.ts'
import { isInside, isMissing } from './real-path.ts'
import { errorCode } from './system-error.ts'
import { walkFiles } from './walk-files.ts'
import { compareKeys } from './key-order.ts'
import type {
  ListPage,
  ListedObject,
  ListRequest,
  ObjectStore,
  ReadRequest,
} from './object-store.ts'
import { StoreRefusal, objectChanged } from './store-refusal.ts'

export interface FileStoreOptions {
  /** Entries of one page of listing; default 1,000. */
  readonly pageEntriesMax?: number
  readonly nowMs?: () => number
}

/** Between two looks at the signal. */
const SLICE_BYTES = 8 << 20

/**
 * A folder whose sub-folders are the buckets. A version is the time of change in nanoseconds and the size. Links
 * that lead out of the folder are not listed and not read.
 */
export function fileStore(directory: string, options: FileStoreOptions = {}): ObjectStore {
  const { pageEntriesMax = 1_000, nowMs = Date.now } = options
  const root = resolve(directory)
  const id = pathToFileURL(root).href

  return {
    id,
    async listBuckets(signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      try {
        const entries = await readdir(root, { withFileTypes: true })
        const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
        return folders.toSorted(compareKeys)
      } catch (error) {
        throw unreadable(root, error)
      }
    },
    async list(request, signal) {
      const folder = await bucketFolder(root, request.bucket)
      const answeredMs = nowMs()
      try {
        const page = await listPage(folder, { ...request, entriesMax: pageEntriesMax }, signal)
        return { ...page, answeredMs }
      } catch (error) {
        throw error instanceof GatewayError ? error : unreadable(folder, error)
      }
    },
    async read(request, signal) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      const folder = await bucketFolder(root, request.object.bucket)
      const file = await openInside(folder, request)
      try {
        return await readVersion(file, request, signal)
      } finally {
        await file.close()
      }
    },
    close() {},
  }
}

interface PageRequest extends ListRequest {
  readonly entriesMax: number
}

async function listPage(
  folder: string,
  request: PageRequest,
  signal: AbortSignal,
): Promise<Omit<ListPage, 'answeredMs'>> {
  const { bucket, prefix, shallow, entriesMax } = request
  const after = request.continuation ?? request.startAfter
  const objects: ListedObject[] = []
  const prefixes: string[] = []
  let last = ''
  const place = { folder, prefix, shallow, ...(after === undefined ? {} : { after }) }
  for await (const { key, stats } of walkFiles(place, signal)) {
    if (objects.length + prefixes.length === entriesMax)
      return { objects, prefixes, continuation: last }
    last = key
    if (stats === undefined) prefixes.push(key)
    else objects.push({ bucket, key, ...versionOf(stats) })
  }
  return { objects, prefixes }
}

/** 16 hex digits of nanoseconds, 16 of size: of the shape of S3's own. */
function versionOf(stats: BigIntStats): Pick<ListedObject, 'etag' | 'sizeBytes' | 'modifiedMs'> {
  return {
    etag: `${hex(stats.mtimeNs)}${hex(stats.size)}`,
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
  }
}

function hex(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0')
}

/** The real path of the bucket. */
async function bucketFolder(root: string, bucket: string): Promise<string> {
  if (!isPlainName(bucket)) throw noSuchBucket(bucket)
  try {
    const realRoot = await realpath(root)
    const folder = await realpath(join(root, bucket))
    if (folder === realRoot || !isInside(realRoot, folder) || !(await stat(folder)).isDirectory())
      throw noSuchBucket(bucket)
    return folder
  } catch (error) {
    if (isMissing(error)) throw noSuchBucket(bucket, error)
    throw error instanceof GatewayError ? error : unreadable(join(root, bucket), error)
  }
}

async function openInside(folder: string, { object }: ReadRequest): Promise<FileHandle> {
  if (!object.key.split('/').every(isPlainName)) throw objectChanged(object, 'it is gone')
  const path = join(folder, object.key)
  try {
    const real = await realpath(path)
    if (!isInside(folder, real))
      throw new StoreRefusal(0, 'OutsideOfBucket', 'the file is a link that leaves its bucket')
    // Not waiting for the writer of a pipe, and not following a link put there since.
    return await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    if (isMissing(error)) throw objectChanged(object, 'it is gone', error)
    throw unreadable(path, error)
  }
}

async function readVersion(
  file: FileHandle,
  request: ReadRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { object, range } = request
  const length = rangeLength(range)
  const target = request.into?.subarray(0, length) ?? new Uint8Array(length)
  await checkVersion(file, request)
  try {
    for (let at = 0; at < length;) {
      if (signal.aborted) throw GatewayError.from(signal.reason)
      const sliceBytes = Math.min(SLICE_BYTES, length - at)
      const { bytesRead } = await file.read(target, at, sliceBytes, range.start + at)
      if (bytesRead === 0) throw objectChanged(object, 'it became shorter')
      at += bytesRead
    }
  } catch (error) {
    throw error instanceof GatewayError ? error : unreadable(object.key, error)
  }
  // Written to while we read: what we have may be of both versions.
  await checkVersion(file, request)
  return target
}

async function checkVersion(file: FileHandle, { object }: ReadRequest): Promise<void> {
  const stats = await file.stat({ bigint: true })
  if (!stats.isFile()) throw objectChanged(object, 'it is no file')
  const { etag } = versionOf(stats)
  if (etag !== object.etag) throw objectChanged(object, `now there is version ${etag}`)
}

function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

function unreadable(path: string, error: unknown): GatewayError {
  const cause =
    error instanceof StoreRefusal ? error : new StoreRefusal(0, errorCode(error), String(error))
  return new GatewayError(
    'unavailable',
    `${path} cannot be read (${cause.code}); check that it is there and may be read`,
    { cause },
  )
}
