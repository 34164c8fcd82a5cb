import { compareKeys } from '../objects/key-order.ts'
import type { ListedObject, ListPage } from '../objects/object-store.ts'
import type { ListingCache } from './listing-cache.ts'
import { mapAhead } from './map-ahead.ts'
import type { FolderFilter, PartitionText } from './partitions.ts'
import { partitionOf } from './partitions.ts'
import { isHidden } from './table-folders.ts'

/** Objects below a folder, in key order, and how many folders were passed by unlisted. */
export interface FolderPage {
  readonly objects: readonly ListedObject[]
  /** Folders that cannot hold what is wanted. */
  readonly foldersPassed: number
  /** Folders whose name says that they are no data. */
  readonly foldersHidden: number
  /** The store's clock when it answered. */
  readonly answeredMs: number
}

export interface Folder {
  readonly bucket: string
  /** Ends with `/`. */
  readonly prefix: string
  /** What the folders down to here say. */
  readonly partitions: readonly PartitionText[]
  /** True for a folder of another form than `key=value`: partitions end above it. */
  readonly isPlain?: boolean
  /** Only keys after this one. */
  readonly startAfter?: string
}

export interface FolderWalk {
  readonly listings: Pick<ListingCache, 'pages'>
  readonly filter: FolderFilter
  /**
   * Names of the partition columns, outermost first, as far as they are known; `''`: no column at this level, nor
   * below. A hint, right or not: it decides what is asked, not what is found. The walk adds what it learns.
   */
  readonly levels: string[]
}

/** Listings of neighbouring folders that are under way at the same time. */
const FOLDERS_AHEAD = 8

/** More neighbours than this are listed in one go: pages of 1,000 objects instead of a request each. */
const FOLDERS_ONE_BY_ONE_MAX = 16

const noFolders = { foldersPassed: 0, foldersHidden: 0 }

/**
 * Lists what lies below a folder, without the `key=value` folders that the filter rules out. A level is listed by its
 * folders only where one of the filter's columns may be its own; from there on everything below is listed.
 */
export async function* walkFolders(
  folder: Folder,
  walk: FolderWalk,
  signal: AbortSignal,
): AsyncGenerator<FolderPage, void> {
  if (!looksDeeper(folder, walk)) return yield* listAll(folder, walk, signal)
  const { bucket, prefix, startAfter } = folder
  let isFirst = true
  for await (const page of walk.listings.pages({ bucket, prefix, shallow: true }, signal)) {
    const { answeredMs } = page
    learn(page, folder, walk)
    if (isFirst && page.prefixes.length > 0 && !looksDeeper(folder, walk)) {
      return yield* listAll(folder, walk, signal)
    }
    isFirst = false
    const { stretches, ...counts } = stretchesOf(page, folder, walk.filter)
    yield { objects: [], answeredMs, ...counts }
    for (const { objects, folders } of stretches) {
      const later = objects.filter(({ key }) => isAfter(key, startAfter))
      if (later.length > 0) yield { objects: later, answeredMs, ...noFolders }
      yield* walkNeighbours(folders, walk, signal)
    }
  }
}

/** True when folders in this one may be of a column that the filter looks at. */
function looksDeeper({ partitions, isPlain }: Folder, { filter, levels }: FolderWalk): boolean {
  if (isPlain) return false
  const level = levels[partitions.length]
  if (level !== undefined) return filter.columns.some((column) => isSameName(column, level))
  return filter.columns.some((column) => !partitions.some(({ name }) => isSameName(column, name)))
}

function isSameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}

/** Learns the column of the folders in this one, or that there are none where files lie. */
function learn(page: ListPage, folder: Folder, { levels }: FolderWalk): void {
  const level = folder.partitions.length
  if (levels[level] !== undefined) return
  const [first] = page.prefixes.map((prefix) => partitionOf(folderName(prefix, folder)))
  const isLeaf = page.prefixes.length === 0 && page.continuation === undefined
  if (first) levels[level] = first.name
  else if (isLeaf && page.objects.length > 0 && level > 0) levels[level] = ''
}

function folderName(prefix: string, folder: Folder): string {
  return prefix.slice(folder.prefix.length, -1)
}

/** Objects, and the wanted folders that follow them with nothing else between these. */
interface Stretch {
  readonly objects: ListedObject[]
  readonly folders: Folder[]
}

interface SortedPage {
  /** In key order. */
  readonly stretches: readonly Stretch[]
  readonly foldersPassed: number
  readonly foldersHidden: number
}

function stretchesOf(page: ListPage, folder: Folder, filter: FolderFilter): SortedPage {
  const listed = [
    ...page.objects.map((object) => ({ key: object.key, object })),
    ...page.prefixes.map((key) => ({ key, object: undefined })),
  ].toSorted((left, right) => compareKeys(left.key, right.key))
  let stretch: Stretch = { objects: [], folders: [] }
  const stretches = [stretch]
  const begin = () => stretches.push((stretch = { objects: [], folders: [] }))
  let [foldersPassed, foldersHidden] = [0, 0]
  for (const { key, object } of listed) {
    if (object) {
      if (stretch.folders.length > 0) begin()
      stretch.objects.push(object)
      continue
    }
    const inner = innerFolder(key, folder)
    const isWanted = inner !== undefined && (inner.isPlain || filter.mayHold(inner.partitions))
    if (isWanted && !endsBefore(key, folder.startAfter)) stretch.folders.push(inner)
    else if (stretch.folders.length > 0) begin()
    if (!inner) foldersHidden += 1
    else if (!isWanted) foldersPassed += 1
  }
  return { stretches, foldersPassed, foldersHidden }
}

/** Undefined: its name says that it is no data. */
function innerFolder(prefix: string, folder: Folder): Folder | undefined {
  const { bucket, partitions, startAfter } = folder
  const name = folderName(prefix, folder)
  if (isHidden(name)) return undefined
  const after = startAfter?.startsWith(prefix) === true && { startAfter }
  const partition = partitionOf(name)
  if (!partition) return { bucket, prefix, partitions, isPlain: true, ...after }
  return { bucket, prefix, partitions: [...partitions, partition], ...after }
}

/** True when all keys of the folder are up to this one. */
function endsBefore(prefix: string, startAfter: string | undefined): boolean {
  if (startAfter === undefined || startAfter.startsWith(prefix)) return false
  return compareKeys(prefix, startAfter) < 0
}

function isAfter(key: string, startAfter: string | undefined): boolean {
  return startAfter === undefined || compareKeys(key, startAfter) > 0
}

/** The first ones alone while it is not known what lies below them, the others ahead of time. */
async function* walkNeighbours(
  folders: readonly Folder[],
  walk: FolderWalk,
  signal: AbortSignal,
): AsyncGenerator<FolderPage, void> {
  let known = 0
  for (const folder of folders) {
    if (folder.isPlain || walk.levels[folder.partitions.length] !== undefined) break
    if (!looksDeeper(folder, walk)) break
    yield* walkFolders(folder, walk, signal)
    known += 1
  }
  const others = folders.slice(known)
  const isFlat = others.every((folder) => !looksDeeper(folder, walk))
  if (isFlat && others.length > FOLDERS_ONE_BY_ONE_MAX) yield* listRun(others, walk, signal)
  else yield* walkAhead(others, walk, signal)
}

/** Folders one after the other; of some ahead the first page is asked for already. */
export async function* walkAhead(
  folders: Iterable<Folder>,
  walk: FolderWalk,
  signal: AbortSignal,
): AsyncGenerator<FolderPage, void> {
  const begin = async (folder: Folder, both: AbortSignal) => {
    const pages = walkFolders(folder, walk, both)
    return { first: await pages.next(), pages }
  }
  for await (const { first, pages } of mapAhead(folders, FOLDERS_AHEAD, begin, signal)) {
    if (first.done === true) continue
    yield first.value
    yield* pages
  }
}

async function* listAll(
  { bucket, prefix, startAfter }: Folder,
  { listings }: FolderWalk,
  signal: AbortSignal,
): AsyncGenerator<FolderPage, void> {
  const after = startAfter !== undefined && { startAfter }
  const request = { bucket, prefix, shallow: false, ...after }
  for await (const { objects, answeredMs } of listings.pages(request, signal)) {
    yield { objects, answeredMs, ...noFolders }
  }
}

/** Neighbouring folders as one listing that stops behind the last of them. */
async function* listRun(
  folders: readonly Folder[],
  { listings }: FolderWalk,
  signal: AbortSignal,
): AsyncGenerator<FolderPage, void> {
  const [first, last] = [folders[0], folders.at(-1)]
  if (!first || !last) return
  const above = first.prefix.slice(0, first.prefix.lastIndexOf('/', first.prefix.length - 2) + 1)
  // What sorts between the folder's name without `/` and with it may be told too.
  const startAfter = first.startAfter ?? first.prefix.slice(0, -1)
  const request = { bucket: first.bucket, prefix: above, shallow: false, startAfter }
  for await (const { objects, answeredMs } of listings.pages(request, signal)) {
    const within = objects.filter(
      ({ key }) => compareKeys(key, first.prefix) >= 0 && !isBehind(key, last.prefix),
    )
    yield { objects: within, answeredMs, ...noFolders }
    const end = objects.at(-1)
    if (end && isBehind(end.key, last.prefix)) return
  }
}

function isBehind(key: string, prefix: string): boolean {
  return !key.startsWith(prefix) && compareKeys(key, prefix) > 0
}
