import type { Field } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { formatType } from '../arrow/format-type.ts'
import { presenceOnly } from './predicate.ts'
import type { Fail, Term } from './sql-operand.ts'
import { hasOrder } from './value.ts'

/**
 * The column that a path of names means: exactly, else the only one that differs by case alone.
 *
 * @throws {GatewayError} `invalid_request` there is none, or more than one; `unsupported` a field inside a column.
 */
export function columnOf(
  [name = '', ...inner]: readonly string[],
  fields: readonly Field[],
  fail: Fail,
): Term {
  const at = findByName(fields, name)
  if (at === 'ambiguous') {
    const names = fields.filter((field) => field.name.toLowerCase() === name.toLowerCase())
    const quoted = names.map((field) => `"${field.name}"`).join(' and ')
    throw fail(`"${name}" may be ${quoted}; write one of them in double quotes`)
  }
  const field = at === undefined ? undefined : fields[at]
  if (!field) throw fail(`there is no column "${name}"${suggestion(name, fields)}`)
  const type = field.type.kind === 'dictionary' ? field.type.value : field.type
  const what = `"${field.name}" is ${formatType(type)}`
  if (inner.length > 0) throw innerError(`"${field.name}"`, field.type, { inner, fail })
  const seen = hasOrder(type) ? type : presenceOnly
  return { term: { kind: 'column', column: field.name, type: seen }, fail, what }
}

function innerError(
  name: string,
  type: Field['type'],
  { inner, fail }: { readonly inner: readonly string[]; readonly fail: Fail },
): Error {
  const [next = ''] = inner
  if (type.kind !== 'struct') {
    return fail(`${name} is ${formatType(type)}, which has no field "${next}"`)
  }
  const at = findByName(type.children, next)
  if (at === undefined) {
    return fail(`${name} has no field "${next}"${suggestion(next, type.children)}`)
  }
  return fail(
    `${name}."${next}" lies inside a column; filters read whole columns only`,
    'unsupported',
  )
}

/** Longer names are not compared. */
const NAME_LENGTH_MAX = 200
/** Columns that are looked at for the nearest name. */
const NAMES_MAX = 5_000

/** `, did you mean "price"?`, or nothing when no name is near. */
export function suggestion(name: string, named: readonly { readonly name: string }[]): string {
  const wanted = name.toLowerCase()
  if (wanted.length > NAME_LENGTH_MAX) return ''
  let [nearest, least]: [string | undefined, number] = [undefined, Math.ceil(wanted.length / 3) + 1]
  for (const one of named.slice(0, NAMES_MAX)) {
    if (Math.abs(one.name.length - wanted.length) >= least) continue
    const distance = editDistance(wanted, one.name.toLowerCase())
    if (distance < least) [nearest, least] = [one.name, distance]
  }
  return nearest === undefined ? '' : `, did you mean "${nearest}"?`
}

/** Letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const now = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const replaced = (before[column - 1] ?? 0) + (isSame ? 0 : 1)
      now.push(Math.min(replaced, (before[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1))
    }
    before = now
  }
  return before.at(-1) ?? 0
}
