import { GatewayError } from '../errors.ts'

/** Every rule of the federation protocol that a connector can break, in the words of reports and tests. */
export const rules = {
  answer: 'an answer is one JSON object of the expected @type, its keys complete and in order',
  echo: 'names of the request come back unchanged',
  serde_version: 'ping announces a serde version from 2 to 6',
  capabilities: 'capabilities have the names and kinds that Athena knows',
  names: 'schema, table and column names are lower case and unique',
  supported_types: 'columns have types that Athena can take',
  partition_columns: 'partition columns are columns, and not the only ones',
  paging: 'tokens advance, pages are no longer than asked',
  splits: 'every split is whole and has a spill location of its own',
  projection: 'blocks have the columns that were asked for',
  arrow: 'blocks are single, whole, uncompressed Arrow messages',
  values: 'values are valid in their type',
  inline_size: 'an inline block is at most maxInlineBlockSize',
  block_size: 'a block of several rows is at most maxBlockSize',
  spill_location: 'blocks are spilled to <split key>.0, .1 and so on, without a gap',
  encryption_key: "a spilled answer repeats the split's key",
  spill_object: 'a spilled object exists and opens with the key',
} as const satisfies Record<string, string>

export type Rule = keyof typeof rules

/** The cause of the error that `broken` makes. */
export interface BrokenRule {
  readonly rule: Rule
  /** What a library said, when one noticed. */
  readonly reason?: unknown
}

/** The error for a connector that broke a rule: code `internal`, the rule's name first in the message. */
export function broken(rule: Rule, message: string, reason?: unknown): GatewayError {
  const cause: BrokenRule = reason === undefined ? { rule } : { rule, reason }
  return new GatewayError('internal', `${rule}: ${message}`, { cause })
}

/** The rule that a connector broke, when that is what the error says. */
export function brokenRule(error: unknown): Rule | undefined {
  if (!(error instanceof GatewayError)) return undefined
  const { cause } = error
  return typeof cause === 'object' && cause !== null && 'rule' in cause
    ? (cause as BrokenRule).rule
    : undefined
}
