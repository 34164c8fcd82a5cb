import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError } from '../errors.ts'
import { compareKeys } from './key-order.ts'
import { isInside, isMissing } from './real-path.ts'

export interface WalkRequest {
  /** The real path of the bucket. */
  readonly folder: string
  readonly prefix: string
  /** True: folders directly below the prefix are told, not entered. */
  readonly shallow: boolean
  /** Only what comes after this key or folder. */
  readonly after?: string
}

export interface WalkedFile {
  /** Path below the bucket, with `/`; a folder's ends with it. */
  readonly key: string
  /** Absent for a folder. */
  readonly stats?: BigIntStats
}

interface Folder {
  readonly path: string
  /** `''` or what its keys begin with. */
  readonly prefix: string
  /** The real folders it lies in, itself included: a link back to one of them would have no end. */
  readonly ancestors: ReadonlySet<string>
}

/** Files (and, if shallow, folders) in the byte order of their keys. What vanishes meanwhile is left out. */
export async function* walkFiles(
  request: WalkRequest,
  signal: AbortSignal,
): AsyncGenerator<WalkedFile> {
  const { folder, prefix } = request
  const slash = prefix.lastIndexOf('/') + 1
  const start = prefix.slice(0, slash)
  // To S3 these are names like others; here they would lead elsewhere.
  const names = start === '' ? [] : start.slice(0, -1).split('/')
  if (names.some((name) => ['', '.', '..'].includes(name))) return
  const path = join(folder, start)
  const real = await realFolder(path)
  if (real === undefined || !isInside(folder, real)) return
  yield* walk({ path: real, prefix: start, ancestors: new Set([real]) }, request, signal)
}

async function* walk(
  folder: Folder,
  request: WalkRequest,
  signal: AbortSignal,
): AsyncGenerator<WalkedFile> {
  for (const { key, path, isFolder } of await entriesOf(folder, request)) {
    if (signal.aborted) throw GatewayError.from(signal.reason)
    if (!isFolder) {
      const stats = await fileStats(path)
      if (stats !== undefined) yield { key, stats }
    } else if (!request.shallow) {
      const ancestors = new Set(folder.ancestors).add(path)
      yield* walk({ path, prefix: key, ancestors }, request, signal)
    } else if (
      key !== request.after &&
      (await holdsFile({ ...folder, path, prefix: key }, request, signal))
    ) {
      yield { key }
    }
  }
}

interface Entry {
  readonly key: string
  /** Real. */
  readonly path: string
  readonly isFolder: boolean
}

async function entriesOf(folder: Folder, request: WalkRequest): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const entry of await readFolder(folder.path)) {
    const found = await resolveEntry(entry, folder, request.folder)
    if (found !== undefined && isWanted(found, request)) entries.push(found)
  }
  return entries.toSorted((left, right) => compareKeys(left.key, right.key))
}

/** Where the entry really is; undefined: nowhere, outside of the bucket, or around in a circle. */
async function resolveEntry(
  entry: Dirent,
  { path: parent, prefix, ancestors }: Folder,
  bucket: string,
): Promise<Entry | undefined> {
  const path = join(parent, entry.name)
  const key = `${prefix}${entry.name}`
  if (entry.isFile()) return { key, path, isFolder: false }
  if (entry.isDirectory()) return { key: `${key}/`, path, isFolder: true }
  if (!entry.isSymbolicLink()) return undefined
  try {
    const real = await realpath(path)
    if (!isInside(bucket, real)) return undefined
    const stats = await stat(real)
    if (stats.isFile()) return { key, path: real, isFolder: false }
    const good = stats.isDirectory() && !ancestors.has(real)
    return good ? { key: `${key}/`, path: real, isFolder: true } : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Files below the prefix and after the place; folders that hold such. */
function isWanted({ key, isFolder }: Entry, { prefix, after }: WalkRequest): boolean {
  if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(key))) return false
  if (after === undefined || compareKeys(key, after) > 0) return true
  return isFolder && after.startsWith(key)
}

/** A folder without a file is none in S3. */
async function holdsFile(
  folder: Folder,
  request: WalkRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const inside = { folder: request.folder, prefix: folder.prefix, shallow: false }
  const ancestors = new Set(folder.ancestors).add(folder.path)
  for await (const _file of walk({ ...folder, ancestors }, inside, signal)) return true
  return false
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function fileStats(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function realFolder(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
