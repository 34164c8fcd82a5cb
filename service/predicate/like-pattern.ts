/** One step of a pattern: bytes as they are, any one character, or any text at all. */
type Step = Uint8Array | 'one' | 'any'

/** What a pattern begins with, and what follows that. */
export interface LikePrefix {
  readonly prefix: Uint8Array
  /** `nothing`: the pattern is the prefix; `anything`: the prefix and one `%`. */
  readonly rest: 'nothing' | 'anything' | 'more'
}

/** False when the escape is not one character, or stands before anything but itself, `%` and `_`. */
export function isLikePattern(pattern: Uint8Array, escape?: string): boolean {
  return stepsOf(pattern, escape) !== undefined
}

export function likePrefix(pattern: Uint8Array, escape?: string): LikePrefix {
  const [first, second, ...others] = stepsOf(pattern, escape) ?? []
  const isPlain = first instanceof Uint8Array
  const prefix = isPlain ? first : new Uint8Array(0)
  const rest = isPlain ? [second, ...others] : [first, second, ...others]
  const [next, ...behind] = rest.filter((step) => step !== undefined)
  if (next === undefined) return { prefix, rest: 'nothing' }
  return { prefix, rest: next === 'any' && behind.length === 0 ? 'anything' : 'more' }
}

/**
 * A function that says whether UTF-8 text matches all of a pattern. `_` is one code point. Its time grows with
 * the product of both lengths at worst, never faster.
 */
export function likeMatcher(pattern: Uint8Array, escape?: string): (text: Uint8Array) => boolean {
  const atoms = (stepsOf(pattern, escape) ?? []).flatMap((step): readonly Atom[] =>
    step instanceof Uint8Array ? [...step] : [step],
  )
  return (text) => matches(atoms, text)
}

/** A byte, any character, or any text. */
type Atom = number | 'one' | 'any'

/** Goes back to the last `%` only: an earlier one cannot find what this one does not. */
function matches(atoms: readonly Atom[], text: Uint8Array): boolean {
  let [at, from] = [0, 0]
  let [anyAt, anyFrom] = [-1, 0]
  while (from < text.length) {
    const atom = atoms[at]
    if (atom === 'any') {
      anyAt = at
      anyFrom = from
      at += 1
    } else if (atom === 'one') {
      from += characterBytes(text[from] ?? 0)
      at += 1
    } else if (atom === text[from]) {
      from += 1
      at += 1
    } else if (anyAt >= 0) {
      anyFrom += characterBytes(text[anyFrom] ?? 0)
      from = anyFrom
      at = anyAt + 1
    } else {
      return false
    }
  }
  while (atoms[at] === 'any') at += 1
  return at === atoms.length
}

/** By the first byte of a UTF-8 character. */
function characterBytes(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

const PERCENT = 0x25
const UNDERSCORE = 0x5f

function stepsOf(pattern: Uint8Array, escape: string | undefined): readonly Step[] | undefined {
  const escapeBytes = escape === undefined ? undefined : Buffer.from(escape)
  if (escapeBytes && characterBytes(escapeBytes[0] ?? 0) !== escapeBytes.length) return undefined
  const steps: Step[] = []
  let plain: number[] = []
  const endPlain = () => {
    if (plain.length > 0) steps.push(Uint8Array.from(plain))
    plain = []
  }
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at] ?? 0
    if (escapeBytes && startsWith(pattern, at, escapeBytes)) {
      const next = at + escapeBytes.length
      const isSelf = startsWith(pattern, next, escapeBytes)
      const escaped = isSelf ? escapeBytes : pattern.subarray(next, next + 1)
      if (!isSelf && escaped[0] !== PERCENT && escaped[0] !== UNDERSCORE) return undefined
      plain.push(...escaped)
      at = next + escaped.length - 1
    } else if (byte === PERCENT || byte === UNDERSCORE) {
      endPlain()
      if (byte === UNDERSCORE) steps.push('one')
      else if (steps.at(-1) !== 'any') steps.push('any')
    } else {
      plain.push(byte)
    }
  }
  endPlain()
  return steps
}

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  return start.every((byte, index) => bytes[at + index] === byte)
}
