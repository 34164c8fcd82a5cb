import type { DataType, Schema } from 'apache-arrow'
import { GatewayError } from '../errors.ts'
import { comparison, isOrdered } from './literals.ts'
import type { Compare } from './literals.ts'
import type { Value } from './rows.ts'

/** One column of ORDER BY; ascending, and nulls last in both directions, unless it says otherwise. */
export interface RowOrder {
  readonly column: string
  readonly descending?: boolean
  readonly nullsFirst?: boolean
}

/** As it goes down: `constraints.orderByClause`. */
export interface OrderByJson {
  readonly columnName: string
  readonly direction: string
}

export function orderByJson({ column, descending, nullsFirst }: RowOrder): OrderByJson {
  const way = descending === true ? 'DESC' : 'ASC'
  return { columnName: column, direction: `${way}_NULLS_${nullsFirst === true ? 'FIRST' : 'LAST'}` }
}

/** Throws `invalid_request` for columns that the table lacks or that have no order. */
export function assertOrder(orders: readonly RowOrder[], schema: Schema): void {
  for (const { column } of orders) {
    const field = schema.fields.find(({ name }) => name === column)
    if (field === undefined || !isOrdered(field.type))
      throw new GatewayError(
        'invalid_request',
        `the rows cannot be ordered by ${column}: ${field === undefined ? 'no column of the table' : 'its values have no order'}`,
      )
  }
}

/** Collects rows and keeps the first so many of them in an order. */
export interface FirstRows {
  add(row: Value[]): void
  /** In order; of equal ones those that came first. */
  sorted(): Value[][]
}

/** Rows beyond the wanted ones that are kept before they are sorted out. */
const extraRows = 1024

/** The rows are of this schema. */
export function firstRows(schema: Schema, orders: readonly RowOrder[], rowsMax: number): FirstRows {
  const tests = orders.map((order) => {
    const index = schema.fields.findIndex(({ name }) => name === order.column)
    const type: DataType | undefined = schema.fields[index]?.type
    const compare = type && comparison(type)
    return (left: Value[], right: Value[]) =>
      compare ? compareOne(left[index] ?? null, right[index] ?? null, compare, order) : 0
  })
  const rows: Value[][] = []
  const sort = () => {
    rows.sort((left, right) => {
      for (const test of tests) {
        const found = test(left, right)
        if (found !== 0) return found
      }
      return 0
    })
    rows.length = Math.min(rows.length, rowsMax)
  }
  return {
    add(row) {
      rows.push(row)
      if (rows.length >= 2 * rowsMax + extraRows) sort()
    },
    sorted() {
      sort()
      return rows
    },
  }
}

/** As ORDER BY compares: NaN is the greatest number. */
function compareOne(left: Value, right: Value, compare: Compare, order: RowOrder): number {
  if (left === null || right === null) {
    const nulls = Number(left === null) - Number(right === null)
    return order.nullsFirst === true ? -nulls : nulls
  }
  const found = compare(left, right)
  const compared = Number.isNaN(found)
    ? Number(Number.isNaN(left)) - Number(Number.isNaN(right))
    : found
  return order.descending === true ? -compared : compared
}
