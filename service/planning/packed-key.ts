/** A key with its identifiers taken out: names of files are mostly random hexadecimal digits, two of them a byte. */
export interface PackedKey {
  /** UTF-8, with marks where identifiers stood. */
  readonly text: Buffer
  /** In the order of the key. */
  readonly identifiers: readonly string[]
  /** The bytes of those that the key before does not have in the same place. */
  readonly fresh: readonly Buffer[]
}

/** Bytes that stand nowhere in UTF-8: an identifier as in the key before, a new UUID, new digits and their bytes. */
const marks = { same: 0xfd, uuid: 0xfe, digits: 0xff } as const

const UUID_BYTES = 16
/** Fewer digits are not worth a mark and its length; a length is one byte. */
const identifier = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?:[0-9a-f]{2}){8,255}/g

/** `before`: the identifiers of the key before. */
export function packKey(key: string, before: readonly string[]): PackedKey {
  const pieces: Buffer[] = []
  const identifiers: string[] = []
  const fresh: Buffer[] = []
  let end = 0
  for (const { 0: found, 1: uuid, index } of key.matchAll(identifier)) {
    // Long numbers count up: they fold and deflate better as text.
    if (!/[a-f]/.test(found)) continue
    pieces.push(Buffer.from(key.slice(end, index)))
    end = index + found.length
    const bytes = Buffer.from(found.replaceAll('-', ''), 'hex')
    if (before[identifiers.length] === found) pieces.push(Buffer.of(marks.same))
    else {
      pieces.push(
        uuid === undefined ? Buffer.of(marks.digits, bytes.length) : Buffer.of(marks.uuid),
      )
      fresh.push(bytes)
    }
    identifiers.push(found)
  }
  pieces.push(Buffer.from(key.slice(end)))
  return { text: Buffer.concat(pieces), identifiers, fresh }
}

export interface UnpackOptions {
  /** The identifiers of the key before. */
  readonly before: readonly string[]
  /** The next of the fresh bytes. */
  readonly next: (bytes: number) => Buffer
  /** Throws; called when the text is not of `packKey`. */
  readonly fail: () => never
}

export interface UnpackedKey {
  readonly key: string
  readonly identifiers: readonly string[]
}

/** The key of a packed one's text. */
export function unpackKey(text: Buffer, { before, next, fail }: UnpackOptions): UnpackedKey {
  const pieces: string[] = []
  const identifiers: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const mark = text[at] ?? 0
    if (mark < marks.same) continue
    pieces.push(text.toString('utf8', start, at))
    if (mark === marks.digits) at += 1
    start = at + 1
    const known = mark === marks.same ? before[identifiers.length] : undefined
    const found = known ?? freshText(mark, text[at] ?? 0)
    pieces.push(found)
    identifiers.push(found)
  }
  pieces.push(text.toString('utf8', start))
  return { key: pieces.join(''), identifiers }

  function freshText(mark: number, bytes: number): string {
    if (mark === marks.same) return fail()
    if (mark === marks.digits) return next(bytes).toString('hex')
    const digits = next(UUID_BYTES).toString('hex')
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
}
