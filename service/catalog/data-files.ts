import type { ListedObject, ObjectStore, ObjectVersion } from '../objects/object-store.ts'
import { isHidden } from './table-folders.ts'

/** Why an object below a table is not one of its files. */
export const skipReasons = ['hidden', 'empty', 'other_suffix', 'not_parquet', 'undeclared'] as const
export type SkipReason = (typeof skipReasons)[number]
export type SkippedCounts = Readonly<Record<SkipReason, number>>

export const noneSkipped: SkippedCounts = {
  hidden: 0,
  empty: 0,
  other_suffix: 0,
  not_parquet: 0,
  undeclared: 0,
}

export function addSkipped(left: SkippedCounts, right: SkippedCounts): SkippedCounts {
  return {
    hidden: left.hidden + right.hidden,
    empty: left.empty + right.empty,
    other_suffix: left.other_suffix + right.other_suffix,
    not_parquet: left.not_parquet + right.not_parquet,
    undeclared: left.undeclared + right.undeclared,
  }
}

/** What names tell of an object: data, no data, or to be asked for its last bytes. */
export type FileKind = 'data' | 'unknown' | Exclude<SkipReason, 'not_parquet' | 'undeclared'>

const dataSuffixes: ReadonlySet<string> = new Set(['parquet', 'parq', 'pq'])

/** Judges an object below the table's prefix by its name and size. */
export function fileKind({ key, sizeBytes }: ListedObject, prefix: string): FileKind {
  const segments = key.slice(prefix.length).split('/')
  if (segments.some(isHidden)) return 'hidden'
  if (sizeBytes === 0) return 'empty'
  const name = segments.at(-1) ?? ''
  if (name === '') return 'other_suffix'
  const dot = name.lastIndexOf('.')
  if (dot < 0) return 'unknown'
  return dataSuffixes.has(name.slice(dot + 1).toLowerCase()) ? 'data' : 'other_suffix'
}

/** Two magics and the footer's length: no Parquet file is smaller. */
const FILE_BYTES_MIN = 12
const MAGIC_BYTES = 4
/** `PARE` ends a file with an encrypted footer: it is data that we must not pass over in silence. */
const magics: ReadonlySet<string> = new Set(['PAR1', 'PARE'])

/** True when the object ends as Parquet files do; one read of four bytes. */
export async function endsInMagic(
  store: ObjectStore,
  object: ObjectVersion,
  signal: AbortSignal,
): Promise<boolean> {
  const { sizeBytes } = object
  if (sizeBytes < FILE_BYTES_MIN) return false
  const range = { start: sizeBytes - MAGIC_BYTES, end: sizeBytes }
  const bytes = await store.read({ object, range }, signal)
  return magics.has(Buffer.from(bytes).toString('latin1'))
}
