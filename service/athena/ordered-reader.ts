import { broken } from './broken-rule.ts'

/**
 * Reads one JSON object the way the reference implementation does: every key in its place, none left out.
 * Each method takes the next key, which must have that name, and returns its value.
 * Every refusal is a broken `answer` rule.
 */
export interface OrderedReader {
  string(key: string): string
  nullableString(key: string): string | null
  integer(key: string): number
  boolean(key: string): boolean
  strings(key: string): string[]
  /** Scalars become strings; null is refused. */
  stringMap(key: string): Record<string, string>
  object<T>(key: string, read: (inner: OrderedReader) => T): T
  nullableObject<T>(key: string, read: (inner: OrderedReader) => T): T | null
  objects<T>(key: string, read: (inner: OrderedReader) => T): T[]
  /** Names and values of an object whose keys are data. */
  entries(key: string): [string, unknown][]
  /** Whether another key follows. */
  more(): boolean
  /** Names of the keys that were not taken. */
  rest(): string[]
}

/** `where` names the object in messages, as a path: `GetSplitsResponse.splits[3]`. */
export function orderedReader(value: unknown, where: string): OrderedReader {
  if (!isObject(value)) throw broken('answer', `${where} is ${describe(value)}, not an object`)
  const entries = Object.entries(value)
  let position = 0

  const next = (key: string): unknown => {
    const entry = entries[position]
    if (entry?.[0] !== key) {
      const found = entry === undefined ? 'the object ends' : `"${entry[0]}" stands`
      throw broken('answer', `${where}: ${found} where "${key}" belongs`)
    }
    position += 1
    return entry[1]
  }
  const expect = <T>(key: string, is: (value: unknown) => value is T, what: string): T => {
    const found = next(key)
    if (!is(found)) throw broken('answer', `${where}.${key} is ${describe(found)}, not ${what}`)
    return found
  }
  const nested = <T>(inner: unknown, path: string, read: (inner: OrderedReader) => T): T => {
    const reader = orderedReader(inner, path)
    const result = read(reader)
    const rest = reader.rest()
    if (rest.length > 0)
      throw broken('answer', `${path}: nothing may follow, but "${rest[0]}" does`)
    return result
  }

  return {
    string: (key) => expect(key, isString, 'a string'),
    nullableString: (key) => expect(key, isNullableString, 'a string or null'),
    integer: (key) => expect(key, isInteger, 'an integer'),
    boolean: (key) => expect(key, isBoolean, 'true or false'),
    strings: (key) => expect(key, isStrings, 'a list of strings'),
    stringMap: (key) => scalarMap(expect(key, isObject, 'an object'), `${where}.${key}`),
    object: (key, read) => nested(next(key), `${where}.${key}`, read),
    nullableObject: (key, read) => {
      const inner = next(key)
      return inner === null ? null : nested(inner, `${where}.${key}`, read)
    },
    objects: (key, read) =>
      expect(key, isList, 'a list').map((inner, index) =>
        nested(inner, `${where}.${key}[${index}]`, read),
      ),
    entries: (key) => Object.entries(expect(key, isObject, 'an object')),
    more: () => position < entries.length,
    rest: () => entries.slice(position).map(([key]) => key),
  }
}

/** Split properties are read so: a number or a boolean is taken as its text. */
function scalarMap(map: object, where: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]: [string, unknown]) => {
      if (isString(value)) return [key, value]
      if (typeof value === 'number' || isBoolean(value)) return [key, String(value)]
      throw broken('answer', `${where}.${key} is ${describe(value)}, not a string`)
    }),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

function isStrings(value: unknown): value is string[] {
  return isList(value) && value.every(isString)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isNullableString(value: unknown): value is string | null {
  return value === null || isString(value)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}
