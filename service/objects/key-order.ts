/**
 * Compares keys by the bytes of their UTF-8, as S3 lists them: negative, zero or positive.
 * JavaScript's own order differs: it puts U+10000 and above, written as surrogates, before U+E000.
 */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const difference = rank(left.charCodeAt(at)) - rank(right.charCodeAt(at))
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** The index of the first key that is not below `key`, in keys sorted by `compareKeys`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let start = 0
  let end = keys.length
  while (start < end) {
    const middle = (start + end) >>> 1
    if (compareKeys(keys[middle] ?? '', key) < 0) start = middle + 1
    else end = middle
  }
  return start
}

/** Moves surrogates above all other code units and keeps every other order. */
function rank(codeUnit: number): number {
  if (codeUnit < 0xd800) return codeUnit
  return codeUnit < 0xe000 ? codeUnit + 0x2000 : codeUnit - 0x800
}
