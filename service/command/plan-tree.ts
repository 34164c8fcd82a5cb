import type { Ledger, LedgerCount } from '../planning/ledger.ts'
import type { TableRequest } from '../query/table-request.ts'
import type { SourcePlan } from './table-source.ts'

interface Branch {
  readonly text: string
  readonly branches?: readonly Branch[]
}

/** A plan as a tree: what is read, what is left out and why, and what planning cost. */
export function planTree({ table, filter, limit }: TableRequest, plan: SourcePlan): string {
  const { ledger } = plan
  const rows =
    plan.rowCount === null ? 'rows unknown before the filter' : counted(plan.rowCount, 'row')
  const root: Branch = {
    text: `${table.schema}.${table.table}: ${rows}, ${plan.fields.length} columns`,
    branches: [
      ...(filter === undefined ? [] : [{ text: `where ${filter.replaceAll(/\s+/g, ' ')}` }]),
      ...(limit === undefined ? [] : [{ text: `limit ${digits(limit)}` }]),
      readBranch(plan),
      skippedBranch(ledger),
      ...costBranches(ledger),
      ...ledger.notApplied.map((what) => ({ text: `left to the caller: ${what}` })),
    ],
  }
  return `${root.text}\n${lines(root.branches ?? [], '').join('')}`
}

function readBranch({ ledger, parts }: SourcePlan): Branch {
  const { filesKept, rowGroupsKept, rowsKept, fileBytesKept, decodedBytesKept } = ledger
  const splits = parts.map(({ rows, rowGroups, decodedBytes }, at) => ({
    text: `split ${at + 1}: ${counted(rowGroups, 'row group')}${rows === null ? '' : `, ${counted(rows, 'row')}`}${decodedBytes === null ? '' : `, ${bytes(decodedBytes)} decoded`}`,
  }))
  return {
    text: `read: ${counted(rowGroupsKept, 'row group')} with ${counted(rowsKept, 'row')} in ${counted(filesKept, 'file')}, files of ${bytes(fileBytesKept)}, ${bytes(decodedBytesKept)} decoded`,
    branches: splits.length > 1 ? splits : [],
  }
}

const skipped: readonly (readonly [LedgerCount, string, string])[] = [
  ['foldersDroppedByPartition', 'folder', 'the partition cannot match the filter, not even listed'],
  ['filesDroppedByPartition', 'file', 'the partition cannot match the filter'],
  ['filesDroppedByStatistics', 'file', 'statistics of all row groups rule the filter out'],
  ['rowGroupsDroppedByStatistics', 'row group', 'statistics rule the filter out'],
  ['filesWithoutRows', 'file', 'no rows'],
  ['rowGroupsWithoutRows', 'row group', 'no rows'],
  ['filesLater', 'file', 'written after the plan was begun'],
  ['skippedHidden', 'object', 'name or folder begins with _ or .'],
  ['skippedEmpty', 'object', 'no bytes'],
  ['skippedOtherSuffix', 'object', 'the suffix of something else'],
  ['skippedNotParquet', 'object', 'no suffix and not Parquet'],
  ['skippedUndeclared', 'object', 'in a folder that the declared partitions do not have'],
]

function skippedBranch(ledger: Ledger): Branch {
  const branches = skipped
    .filter(([name]) => ledger[name] > 0)
    .map(([name, what, why]) => ({ text: `${counted(ledger[name], what)}: ${why}` }))
  if (branches.length === 0) return { text: 'left out: nothing' }
  const { rowsDroppedByStatistics, fileBytesDropped } = ledger
  return {
    text: `left out: ${counted(rowsDroppedByStatistics, 'row')} by statistics, files of ${bytes(fileBytesDropped)}`,
    branches,
  }
}

/** A folder costs no requests. */
function costBranches(ledger: Ledger): readonly Branch[] {
  const { listRequests, footerRequests, indexRequests, otherRequests } = ledger
  const requests = listRequests + footerRequests + indexRequests + otherRequests
  const read = ledger.listBytes + ledger.footerBytes + ledger.indexBytes + ledger.otherBytes
  if (requests === 0) return []
  const text = `planned with ${counted(requests, 'request')} to the store (${listRequests} for lists, ${footerRequests} for footers), ${bytes(read)}`
  return [{ text }]
}

function lines(branches: readonly Branch[], indent: string): string[] {
  return branches.flatMap(({ text, branches: inner = [] }, at) => {
    const isLast = at === branches.length - 1
    const below = lines(inner, `${indent}${isLast ? '   ' : '│  '}`)
    return [`${indent}${isLast ? '└─ ' : '├─ '}${text}\n`, ...below]
  })
}

/** `1,234 rows`. */
export function counted(value: number, what: string): string {
  return `${digits(value)} ${what}${value === 1 ? '' : 's'}`
}

/** `1,234,567`. */
export function digits(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1.5 MiB`. */
export function bytes(value: number): string {
  let [rest, at] = [value, 0]
  while (rest >= 1024 && at < units.length - 1) [rest, at] = [rest / 1024, at + 1]
  return `${at === 0 ? rest : rest.toFixed(1)} ${units[at] ?? ''}`
}
