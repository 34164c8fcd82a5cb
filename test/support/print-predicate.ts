import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type {
  Expression,
  InDomain,
  SeenColumn,
  ValueRange,
} from '../../service/predicate/predicate.ts'
import type { Value } from '../../service/predicate/value.ts'
import { byteText } from './oracle.ts'
import { writtenCell } from './sql-asks.ts'

const symbols: Readonly<Record<string, string>> = {
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
  modulus: '%',
  distinct: 'IS DISTINCT FROM',
}

/** A predicate as SQL that means the same, unknown included. */
export function printPredicate(expression: Expression): string {
  switch (expression.kind) {
    case 'constant':
      return constant(expression.type, expression.value)
    case 'column':
      return name(expression)
    case 'in_domain':
      return inDomain(expression)
    case 'and':
    case 'or':
      return `(${expression.terms.map(printPredicate).join(` ${expression.kind} `)})`
    case 'not':
      return `(NOT ${printPredicate(expression.term)})`
    case 'is_null':
      return `(${printPredicate(expression.term)} IS NULL)`
    case 'widen':
      return printPredicate(expression.term)
    case 'like': {
      const pattern = constant({ kind: 'utf8' }, expression.pattern)
      const end = expression.escape === undefined ? '' : ` ESCAPE '${expression.escape}'`
      return `(${printPredicate(expression.term)} LIKE ${pattern}${end})`
    }
    case 'nullif':
      return `NULLIF(${printPredicate(expression.left)}, ${printPredicate(expression.right)})`
    case 'compare':
    case 'arithmetic': {
      const [left, right] = [printPredicate(expression.left), printPredicate(expression.right)]
      return `(${left} ${symbols[expression.operator] ?? expression.operator} ${right})`
    }
  }
}

function name({ column, path = [] }: SeenColumn): string {
  return [column, ...path].map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
}

function constant(type: ArrowType, value: Value | null): string {
  if (value === null) return 'NULL'
  return writtenCell(type, value instanceof Uint8Array ? byteText(value) : value)
}

function inDomain(expression: InDomain): string {
  const { type, domain } = expression
  const quoted = name(expression)
  const { nullAllowed } = domain
  if (type.kind === 'null') {
    if (domain.ranges.length > 0) return `(${quoted} IS NOT NULL)`
    return `(${quoted} IS ${nullAllowed === true ? '' : 'NOT '}NULL)`
  }
  const held = valuesOf(quoted, type, domain.ranges)
  if (nullAllowed === null) return held
  return nullAllowed ? `(${quoted} IS NULL OR ${held})` : `(${quoted} IS NOT NULL AND ${held})`
}

/** Ranges to both ends hold NaN, so they are what is not in their gaps. */
function valuesOf(column: string, type: ArrowType, ranges: readonly ValueRange[]): string {
  const [first, last] = [ranges[0], ranges.at(-1)]
  if (!first || !last) return `(${column} < ${column})`
  if (first.low || last.high)
    return `(${ranges.map((range) => between(column, type, range)).join(' OR ')})`
  if (first === last) return `(${column} = ${column} OR ${column} <> ${column})`
  const gaps = ranges.slice(1).map(({ low }, index): ValueRange => {
    const high = ranges[index]?.high
    return {
      ...(high && { low: { value: high.value, inclusive: !high.inclusive } }),
      ...(low && { high: { value: low.value, inclusive: !low.inclusive } }),
    }
  })
  return `(NOT (${gaps.map((gap) => between(column, type, gap)).join(' OR ')}))`
}

function between(column: string, type: ArrowType, { low, high }: ValueRange): string {
  const ends = [
    ...(low ? [`${column} ${low.inclusive ? '>=' : '>'} ${constant(type, low.value)}`] : []),
    ...(high ? [`${column} ${high.inclusive ? '<=' : '<'} ${constant(type, high.value)}`] : []),
  ]
  return `(${ends.join(' AND ')})`
}
