import { compareKeys } from '../objects/key-order.ts'
import type { DeclaredColumn } from './declared-column.ts'
import type { FolderFilter, PartitionText } from './partitions.ts'
import type { Table } from './table-folders.ts'
import type { Folder } from './walk-folders.ts'

/** Folders that are made up rather than listed; more are left to one listing. */
const PROJECTED_FOLDERS_MAX = 1_000

/** Values of one column, and folders with values, that are gone through: a century of days. */
const PROJECTED_VALUES_MAX = 50_000

/**
 * The folders that a declaration and a filter leave, in key order; undefined when the filter looks at none of the
 * columns, or too many are left. They need not exist.
 */
export function projectedFolders(
  { bucket, prefix }: Pick<Table, 'bucket' | 'prefix'>,
  columns: readonly DeclaredColumn[],
  { filter, nowMs }: { readonly filter: FolderFilter; readonly nowMs: number },
): readonly Folder[] | undefined {
  const looksAt = new Set(filter.columns.map((name) => name.toLowerCase()))
  let folders: readonly Folder[] = [{ bucket, prefix, partitions: [] }]
  let found: readonly Folder[] | undefined
  for (const column of columns) {
    if (column.count(nowMs) > PROJECTED_VALUES_MAX) break
    const inner = innerFolders(folders, column, { filter, nowMs })
    if (!inner) break
    folders = inner
    if (looksAt.has(column.name.toLowerCase())) found = folders
  }
  return found?.toSorted((left, right) => compareKeys(left.prefix, right.prefix))
}

/** Those of sorted folders that can have keys after this one. */
export function foldersAfter(
  folders: readonly Folder[],
  startAfter: string | undefined,
): readonly Folder[] {
  if (startAfter === undefined) return folders
  return folders.flatMap((folder) => {
    if (startAfter.startsWith(folder.prefix)) return { ...folder, startAfter }
    return compareKeys(folder.prefix, startAfter) > 0 ? folder : []
  })
}

/** Undefined: too many. */
function innerFolders(
  folders: readonly Folder[],
  column: DeclaredColumn,
  { filter, nowMs }: { readonly filter: FolderFilter; readonly nowMs: number },
): readonly Folder[] | undefined {
  const alone = [...column.texts(nowMs)]
    .map((text) => ({ name: column.name, text }))
    .filter((partition) => filter.mayHold([partition]))
  if (folders.length * alone.length > PROJECTED_VALUES_MAX) return undefined
  const inner: Folder[] = []
  for (const { bucket, prefix, partitions: above } of folders) {
    for (const partition of alone) {
      const partitions = [...above, partition]
      if (!filter.mayHold(partitions)) continue
      for (const folder of folderNames(partition)) {
        inner.push({ bucket, prefix: `${prefix}${folder}/`, partitions })
      }
      if (inner.length > PROJECTED_FOLDERS_MAX) return undefined
    }
  }
  return inner
}

/** What Hive and Spark escape in names of folders, as `%XX`. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const escaped = /[\u0000-\u001f"#%'*/:=?\\\u007f{[\]^]/g

/** The folder's name, and where Hive would escape something and the plain name can be a folder's, that one too. */
function folderNames({ name, text }: { readonly name: string; readonly text: string }) {
  const isPlain = !/[%/]/.test(name + text)
  return [...new Set([`${escape(name)}=${escape(text)}`, ...(isPlain ? [`${name}=${text}`] : [])])]
}

function escape(part: string): string {
  return part.replaceAll(
    escaped,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** True when a file's folders are those of the declaration. */
export function isDeclared(
  partitions: readonly PartitionText[],
  columns: readonly DeclaredColumn[],
  nowMs: number,
): boolean {
  return (
    partitions.length === columns.length &&
    columns.every((column, at) => {
      const { name, text = null } = partitions[at] ?? {}
      return name === column.name && text !== null && column.has(text, nowMs)
    })
  )
}
