/** SQL's truth values in their order, for columns of them: and is the lesser, or the greater, not `2 - truth`. */
export type Truth = 0 | 1 | 2
export const FALSE: Truth = 0
export const UNKNOWN: Truth = 1
export const TRUE: Truth = 2

/** A boolean of SQL as a truth. */
export function truthOf(value: unknown): Truth {
  if (value === null) return UNKNOWN
  return value === true ? TRUE : FALSE
}
