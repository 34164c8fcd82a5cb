import { GatewayError } from '../errors.ts'
import type { Predicate } from '../predicate/predicate.ts'
import { and } from '../predicate/predicate.ts'
import type { ColumnOrder, TopRequest } from '../scan/scan-request.ts'
import { readExpression } from './athena-expressions.ts'
import type { Json } from './athena-json.ts'
import { asArray, asObject } from './athena-json.ts'
import { readValueSet } from './athena-value-sets.ts'
import { BlockReader } from './athena-values.ts'

/** What a query asks for, as far as we understand it. What we do not understand, Athena applies itself. */
export interface AthenaConstraints {
  /** True of every row that Athena wants; of no other where all is understood. */
  readonly predicate: Predicate
  /** True when rows that match the predicate are all that Athena wants, in any order. */
  readonly understood: boolean
  /** Names what is left to Athena. */
  readonly notUnderstood: readonly string[]
  /** Matching rows of one split that are enough: only when nothing stands above them that we do not apply. */
  readonly rowLimit?: number
  /** The order in which the first so many of them are wanted: under the same condition, and not with a limit. */
  readonly top?: TopRequest
}

/**
 * Athena's `constraints` object, from its JSON text. Unknown keys, value sets and functions are left to Athena.
 *
 * @throws {GatewayError} `invalid_request` it is not JSON, or a value set or an expression is malformed.
 */
export function readConstraints(text: string): AthenaConstraints {
  const constraints = parse(text)
  const reader = new BlockReader()
  const terms: Predicate[] = []
  const notUnderstood: string[] = []
  for (const [column, valueSet] of Object.entries(asObject(constraints['summary']))) {
    const { predicate, isExact } = readValueSet(column, asObject(valueSet), reader)
    terms.push(predicate)
    if (!isExact) notUnderstood.push(`the value set of "${column}"`)
  }
  for (const json of asArray(constraints['expression'])) {
    for (const read of readExpression(asObject(json), reader)) {
      if (read.kind === 'not_understood') notUnderstood.push(read.what)
      else terms.push(read)
    }
  }
  // A plan may hold predicates that stand nowhere else.
  if (asObject(constraints['queryPlan'])['substraitPlan'] !== undefined) {
    notUnderstood.push('the query plan')
  }
  const understood = notUnderstood.length === 0
  return {
    predicate: and(terms),
    understood,
    notUnderstood,
    ...(understood && limitOf(constraints)),
  }
}

/** How many rows are enough, of any or of the first in an order; empty when all are wanted. */
function limitOf(constraints: Json): Pick<AthenaConstraints, 'rowLimit' | 'top'> {
  const { limit } = constraints
  if (typeof limit !== 'number' || limit < 0) return {}
  const asked = asArray(constraints['orderByClause'])
  if (asked.length === 0 || limit === 0) return { rowLimit: limit }
  const order = asked.map((one) => readOrder(asObject(one)))
  return order.every(isKnown) ? { top: { order, rows: limit } } : {}
}

const directions: Readonly<Record<string, Omit<ColumnOrder, 'column'>>> = {
  ASC_NULLS_FIRST: { descending: false, nullsFirst: true },
  ASC_NULLS_LAST: { descending: false, nullsFirst: false },
  DESC_NULLS_FIRST: { descending: true, nullsFirst: true },
  DESC_NULLS_LAST: { descending: true, nullsFirst: false },
}

/** Undefined: a direction that we do not know. */
function readOrder({ columnName, direction }: Json): ColumnOrder | undefined {
  if (typeof columnName !== 'string' || typeof direction !== 'string') return undefined
  const known = Object.hasOwn(directions, direction) ? directions[direction] : undefined
  return known && { column: columnName, ...known }
}

function isKnown(order: ColumnOrder | undefined): order is ColumnOrder {
  return order !== undefined
}

function parse(text: string): Json {
  if (text === '') return {}
  try {
    return asObject(JSON.parse(text))
  } catch (cause) {
    throw new GatewayError('invalid_request', 'the constraints are not JSON', { cause })
  }
}
