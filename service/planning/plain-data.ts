/**
 * Plain data as UTF-8 JSON: what JSON lacks (bigints, bytes, floats that are no JSON numbers) stands as an object of
 * one tag, and so do lists whose members are alike, column by column: a filter may name 100,000 values. Keys that look
 * like tags get one more `$`.
 */
export function encodePlainData(data: unknown): Buffer {
  return Buffer.from(JSON.stringify(tagged(data)))
}

/** The data of `encodePlainData`'s bytes; calls `fail`, which throws, when they are something else. */
export function decodePlainData(bytes: Buffer, fail: () => never): unknown {
  try {
    return untagged(JSON.parse(bytes.toString('utf8')))
  } catch {
    return fail()
  }
}

const tags = { integer: '$i', integers: '$I', bytes: '$b', float: '$f', columns: '$c' } as const

function tagged(data: unknown): unknown {
  if (typeof data === 'bigint') return { [tags.integer]: data.toString() }
  if (data instanceof Uint8Array) return { [tags.bytes]: Buffer.from(data).toString('base64') }
  if (typeof data === 'number' && (!Number.isFinite(data) || Object.is(data, -0))) {
    return { [tags.float]: Object.is(data, -0) ? '-0' : String(data) }
  }
  if (Array.isArray(data)) return taggedList(data)
  if (!isObject(data)) return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key.startsWith('$') ? `$${key}` : key,
      tagged(value),
    ]),
  )
}

function taggedList(list: readonly unknown[]): unknown {
  const [first] = list
  if (list.length < 2) return list.map(tagged)
  if (list.every((item) => typeof item === 'bigint')) return { [tags.integers]: list.join(',') }
  if (!isObject(first) || !list.every(isObject)) return list.map(tagged)
  const keys = Object.keys(first)
  if (keys.length === 0 || !list.every((item) => hasExactly(item, keys))) return list.map(tagged)
  const columns = keys.map((key) => [key, taggedList(list.map((item) => item[key]))])
  return { [tags.columns]: columns }
}

/** Bytes are data of their own. */
function isObject(data: unknown): data is Readonly<Record<string, unknown>> {
  const isSome = typeof data === 'object' && data !== null
  return isSome && !Array.isArray(data) && !(data instanceof Uint8Array)
}

function hasExactly(item: Readonly<Record<string, unknown>>, keys: readonly string[]): boolean {
  const own = Object.keys(item)
  return (
    own.length === keys.length &&
    keys.every((key, at) => own[at] === key && item[key] !== undefined)
  )
}

function untagged(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(untagged)
  if (!isObject(json)) return json
  const entries = Object.entries(json)
  const [[tag, value] = []] = entries
  switch (tag) {
    case tags.integer:
      return BigInt(String(value))
    case tags.integers:
      return String(value).split(',').map(BigInt)
    case tags.bytes:
      return new Uint8Array(Buffer.from(String(value), 'base64'))
    case tags.float:
      return Number(value)
    case tags.columns:
      return rowsOf(value as readonly (readonly [string, unknown])[])
    default:
      return Object.fromEntries(
        entries.map(([key, one]) => [key.startsWith('$') ? key.slice(1) : key, untagged(one)]),
      )
  }
}

function rowsOf(columns: readonly (readonly [string, unknown])[]): readonly unknown[] {
  const read = columns.map(([key, values]) => [key, untagged(values) as unknown[]] as const)
  const rowCount = read[0]?.[1].length ?? 0
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(read.map(([key, values]) => [key, values[row]])),
  )
}
