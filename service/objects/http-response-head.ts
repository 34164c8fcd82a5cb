/** What we need to know of an answer whose body is counted by Content-Length. */
export interface HttpResponseHead {
  /** 200 to 299 or 400 to 599. */
  readonly status: number
  /** Length of the body. */
  readonly bodyBytes: number
  /** Without quotes. */
  readonly etag?: string
  readonly contentRange?: string
  /** The value of `x-amz-version-id`. */
  readonly versionId?: string
  /** The server leaves the connection open for the next request. */
  readonly isKept: boolean
}

const statusLine = /^HTTP\/1\.1 ([245]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
/** RFC 9110: a token, a colon, printable text. A folded line begins with a blank, which is no token. */
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/
/** Fifteen digits are below 2^53. */
const digits = /^\d{1,15}$/

/** Two of one of these, even if equal, are how answers are smuggled. */
const onceOnly = new Set([
  'content-length',
  'content-range',
  'etag',
  'connection',
  'x-amz-version-id',
])
/** With these the end of the body is not where Content-Length says. */
const reframing = new Set(['transfer-encoding', 'trailer', 'upgrade'])

/**
 * Reads a head, its last blank line left out, as strictly as the standard allows; undefined for whatever is not
 * plain: other versions, 1xx, 204, redirects, chunked bodies, folded or doubled fields, control characters.
 */
export function parseResponseHead(text: string): HttpResponseHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = Number(statusLine.exec(first)?.[1])
  const fields = parseFields(lines)
  const length = fields?.get('content-length') ?? ''
  if (fields === undefined || Number.isNaN(status) || status === 204 || !digits.test(length))
    return undefined
  const etag = fields.get('etag')?.replaceAll('"', '')
  const contentRange = fields.get('content-range')
  const versionId = fields.get('x-amz-version-id')
  return {
    status,
    bodyBytes: Number(length),
    ...(etag === undefined ? {} : { etag }),
    ...(contentRange === undefined ? {} : { contentRange }),
    ...(versionId === undefined ? {} : { versionId }),
    isKept: (fields.get('connection') ?? 'keep-alive').toLowerCase() === 'keep-alive',
  }
}

/** Values by names in lower case, of doubled ones the last. */
function parseFields(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, written = '', value = ''] = fieldLine.exec(line) ?? []
    const name = written.toLowerCase()
    if (name === '' || reframing.has(name)) return undefined
    if (onceOnly.has(name) && fields.has(name)) return undefined
    fields.set(name, value.trimEnd())
  }
  return fields
}
