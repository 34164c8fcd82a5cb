import { GatewayError } from '../errors.ts'

/** A piece of SQL: a bare word, a `"name"`, a number, a `'text'`, an operator, or the end. */
export interface Token {
  readonly kind: 'word' | 'name' | 'number' | 'text' | 'symbol' | 'end'
  /** Without quotes, doubled ones undone; of words and numbers as they are written. */
  readonly text: string
  /** Where it begins, and where what follows it may begin. */
  readonly start: number
  readonly end: number
}

const space = /[\s\uFEFF]*/uy
const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['word', /[\p{L}_][\p{L}\p{M}\p{N}_$]*/uy],
  ['number', /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/uy],
  ['name', /"(?:[^"]|"")*"/uy],
  ['text', /'(?:[^']|'')*'/uy],
  ['symbol', /<>|!=|<=|>=|[=<>+\-*/%(),.]/uy],
]

/**
 * The first token at or after an offset.
 *
 * @throws {GatewayError} `invalid_request` there is none, with line and column.
 */
export function tokenAt(sql: string, offset: number): Token {
  space.lastIndex = offset
  space.test(sql)
  const start = space.lastIndex
  if (start >= sql.length) return { kind: 'end', text: '', start, end: start }
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start
    const text = pattern.exec(sql)?.[0]
    if (text === undefined) continue
    checkEnd(sql, kind, start + text.length)
    return { kind, text: unquoted(kind, text), start, end: start + text.length }
  }
  throw sqlError(sql, start, unknownAt(sql, start))
}

/** An error of what stands at an offset; lines and columns count from 1, columns in characters. */
export function sqlError(
  sql: string,
  offset: number,
  message: string,
  code: 'invalid_request' | 'unsupported' | 'too_large' = 'invalid_request',
): GatewayError {
  const before = sql.slice(0, offset).split('\n')
  const column = Array.from(before.at(-1) ?? '').length + 1
  return new GatewayError(code, `filter, line ${before.length}, column ${column}: ${message}`)
}

/** A token as an error names it, cut when it is long. */
export function describeToken({ kind, text }: Token): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  switch (kind) {
    case 'end':
      return 'the end'
    case 'text':
      return `'${short}'`
    case 'name':
      return `the name "${short}"`
    default:
      return `"${short}"`
  }
}

function unquoted(kind: Token['kind'], text: string): string {
  if (kind === 'text') return text.slice(1, -1).replaceAll("''", "'")
  return kind === 'name' ? text.slice(1, -1).replaceAll('""', '"') : text
}

/** `1abc` is no number, and `--` would hide what follows. */
function checkEnd(sql: string, kind: Token['kind'], end: number): void {
  if (kind === 'number' && /^[\p{L}_.]/u.test(sql.slice(end, end + 2))) {
    throw sqlError(sql, end, `expected the number to end before "${sql.charAt(end)}"`)
  }
  const isComment = kind === 'symbol' && ['--', '/*'].includes(sql.slice(end - 1, end + 1))
  if (isComment) throw sqlError(sql, end - 1, 'comments are not understood; leave them out')
}

function unknownAt(sql: string, start: number): string {
  const [character = ''] = sql.slice(start, start + 2)
  if (character === "'") return "the text is not closed; end it with '"
  if (character === '"') return 'the name is not closed; end it with "'
  return `"${character}" is not understood here`
}
