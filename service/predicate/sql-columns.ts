import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { findByName } from '../arrow/find-by-name.ts'
import { formatType } from '../arrow/format-type.ts'
import { type ColumnReference, presenceOnly } from './predicate.ts'
import type { Fail, Term } from './sql-operand.ts'
import { hasOrder } from './value.ts'

/**
 * The column, or the field of structs inside it, that a path of names means: each exactly, else the only one that
 * differs by case alone.
 *
 * @throws {GatewayError} `invalid_request` there is none, or more than one; `unsupported` it lies in a list or a map.
 */
export function columnOf(path: readonly string[], fields: readonly Field[], fail: Fail): Term {
  const [name = '', ...inner] = path
  const found = findField(fields, name, fail)
  if (!found) {
    throw fail(`there is no column "${name}"${dotted(path, fields) ?? suggestion(name, fields)}`)
  }
  const names = [found.name]
  let { type } = found
  for (const next of inner) {
    const within = names.map((one) => `"${one}"`).join('.')
    const field = findField(fieldsIn(within, type, { next, fail }), next, fail)
    if (!field) {
      const near = dotted(path, fields) ?? suggestion(next, childrenOf(type))
      throw fail(`${within} has no field "${next}"${near}`)
    }
    names.push(field.name)
    type = field.type
  }
  const value = type.kind === 'dictionary' ? type.value : type
  const what = `${names.map((one) => `"${one}"`).join('.')} is ${formatType(value)}`
  const [column = '', ...rest] = names
  const seen = hasOrder(value) ? value : presenceOnly
  const term: ColumnReference = {
    kind: 'column',
    column,
    ...(rest.length > 0 && { path: rest }),
    type: seen,
  }
  return { term, fail, what }
}

function findField(fields: readonly Field[], name: string, fail: Fail): Field | undefined {
  const at = findByName(fields, name)
  if (at !== 'ambiguous') return at === undefined ? undefined : fields[at]
  const names = fields.filter((field) => field.name.toLowerCase() === name.toLowerCase())
  const quoted = names.map((field) => `"${field.name}"`).join(' and ')
  throw fail(`"${name}" may be ${quoted}; write one of them in double quotes`)
}

function childrenOf(type: ArrowType): readonly Field[] {
  return type.kind === 'struct' ? type.children : []
}

function fieldsIn(
  within: string,
  type: ArrowType,
  { next, fail }: { readonly next: string; readonly fail: Fail },
): readonly Field[] {
  if (type.kind === 'struct') return type.children
  const what = `${within} is ${formatType(type)}`
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      throw fail(`${what}; a path does not lead into lists`, 'unsupported')
    case 'map':
      throw fail(`${what}; a path does not lead into maps`, 'unsupported')
    default:
      throw fail(`${what}, which has no field "${next}"`)
  }
}

/** A column whose own name has the dots. */
function dotted(path: readonly string[], fields: readonly Field[]): string | undefined {
  const at = path.length > 1 ? findByName(fields, path.join('.')) : undefined
  const field = typeof at === 'number' ? fields[at] : undefined
  return field && `; the column "${field.name}" is written in double quotes`
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
