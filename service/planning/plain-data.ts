/**
 * Plain data as UTF-8 JSON: what JSON lacks (bigints, bytes, floats that are no JSON numbers) stands as an object of
 * one tag. Keys that look like tags get one more `$`.
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

const tags = { integer: '$i', bytes: '$b', float: '$f' } as const

function tagged(data: unknown): unknown {
  if (typeof data === 'bigint') return { [tags.integer]: data.toString() }
  if (data instanceof Uint8Array) return { [tags.bytes]: Buffer.from(data).toString('base64') }
  if (typeof data === 'number' && (!Number.isFinite(data) || Object.is(data, -0))) {
    return { [tags.float]: Object.is(data, -0) ? '-0' : String(data) }
  }
  if (Array.isArray(data)) return data.map(tagged)
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key.startsWith('$') ? `$${key}` : key,
      tagged(value),
    ]),
  )
}

function untagged(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(untagged)
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json)
  const [[tag, text] = []] = entries
  if (tag === tags.integer) return BigInt(String(text))
  if (tag === tags.bytes) return new Uint8Array(Buffer.from(String(text), 'base64'))
  if (tag === tags.float) return Number(text)
  return Object.fromEntries(
    entries.map(([key, value]) => [key.startsWith('$') ? key.slice(1) : key, untagged(value)]),
  )
}
