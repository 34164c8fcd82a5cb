import { matchesPattern } from '../predicate/name-pattern.ts'
import type { TableEntry } from './role-rights.ts'

/** Where the tables of all schemas are. */
export interface SessionScope {
  /** Only buckets whose names begin so are schemas. */
  readonly bucketPrefix: string
  /** The folder of a bucket in which its tables are, without slashes at its ends; `''`: the bucket itself. */
  readonly tablesPath: string
}

/** Characters of a session policy that an STS takes, MinIO's and AWS's alike; MinIO counts bytes. */
export const SESSION_POLICY_LENGTH_MAX = 2_048

/** Versions are asked for by name when a table changes under a scan. */
const READ = ['s3:GetObject', 's3:GetObjectVersion']

/**
 * What a caller's session with the store may read, as JSON: the objects of its tables. Lists are the gateway's own.
 *
 * A policy knows neither columns nor rows, its stars also stand for slashes, its names have case, and what it denies no
 * other line allows. Where it cannot say what the entries say it is wider, never narrower, for the gateway has decided
 * already: a hidden entry is denied only if that denies nothing else. Table names are allowed as they are written and in
 * lower case.
 */
export function sessionPolicy(entries: readonly TableEntry[], scope: SessionScope): string {
  const deciding = entries.slice(0, lastDeciding(entries) + 1)
  const seen = deciding.filter(({ isHidden }) => !isHidden)
  const hidden = deciding.filter(
    (entry, index) => entry.isHidden && canDeny(entry, deciding.slice(0, index)),
  )
  const resources = (some: readonly TableEntry[]) => [
    ...new Set(some.flatMap((entry) => resourcesOf(entry, scope))),
  ]
  const nothing = { Effect: 'Deny', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }
  const allow = { Effect: 'Allow', Action: READ, Resource: resources(seen) }
  const deny = { Effect: 'Deny', Action: READ, Resource: resources(hidden) }
  const statements = seen.length === 0 ? [nothing] : [allow, ...(hidden.length > 0 ? [deny] : [])]
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

/** Behind an entry for all tables nothing decides. */
function lastDeciding(entries: readonly TableEntry[]): number {
  const index = entries.findIndex(({ schema, table }) => schema === '*' && table === '*')
  return index < 0 ? entries.length : index
}

function resourcesOf({ schema, table }: TableEntry, scope: SessionScope): readonly string[] {
  const folder = scope.tablesPath === '' ? '' : `${scope.tablesPath}/`
  const bucket = bucketPattern(schema.toLowerCase(), scope.bucketPrefix)
  return [table, table.toLowerCase()].map((name) =>
    // What looks like a variable would be replaced.
    `arn:aws:s3:::${bucket}/${folder}${name}/*`.replaceAll('${', '?{'),
  )
}

/** Buckets are schemas by their whole names, which are of lower case. */
function bucketPattern(schema: string, prefix: string): string {
  const head = headOf(schema)
  return schema === `${head}*` && prefix.startsWith(head) ? `${prefix}*` : schema
}

/** Whether the line denies no key of another table, nor of one that an earlier entry shows. */
function canDeny(hidden: TableEntry, earlier: readonly TableEntry[]): boolean {
  const { schema, table } = hidden
  const isExact = isName(schema)
    ? isName(table) || isStart(table)
    : isStart(schema) && table === '*'
  return (
    isExact &&
    !`${schema}/${table}`.includes('${') &&
    !earlier.some(
      (entry) => !entry.isHidden && mayMeet(schema, entry.schema) && mayMeet(table, entry.table),
    )
  )
}

function isName(pattern: string): boolean {
  return headOf(pattern) === pattern
}

function isStart(pattern: string): boolean {
  return pattern === `${headOf(pattern)}*`
}

/** What stands before the first wildcard. */
function headOf(pattern: string): string {
  return pattern.replace(/[*?].*$/s, '')
}

/** Whether a name can be of both patterns; false is certain. */
function mayMeet(pattern: string, other: string): boolean {
  if (isName(pattern)) return matchesPattern(pattern, other)
  if (isName(other)) return matchesPattern(other, pattern)
  const [head, otherHead] = [headOf(pattern).toLowerCase(), headOf(other).toLowerCase()]
  return head.startsWith(otherHead) || otherHead.startsWith(head)
}
