import { lowerBound } from './key-order.ts'

export interface KeyPageRequest {
  readonly prefix: string
  /** True: fold what lies in folders into prefixes that end with `/`. */
  readonly shallow: boolean
  /** Only keys, and prefixes, after this one. */
  readonly after?: string
  /** Keys and prefixes together, at least 1. */
  readonly entriesMax: number
}

export interface KeyPage {
  readonly keys: readonly string[]
  readonly prefixes: readonly string[]
  /** The last entry of the page, a key or a prefix; absent on the last page. */
  readonly next?: string
}

/** One page of sorted keys the way ListObjectsV2 cuts it: a folder counts as one entry and is never named twice. */
export function pageOfKeys(sorted: readonly string[], request: KeyPageRequest): KeyPage {
  const { prefix, shallow, after, entriesMax } = request
  const keys: string[] = []
  const prefixes: string[] = []
  let last: string | undefined
  let at = Math.max(lowerBound(sorted, prefix), after === undefined ? 0 : firstAfter(sorted, after))
  while (keys.length + prefixes.length < entriesMax) {
    const key = sorted[at]
    if (!key?.startsWith(prefix)) return { keys, prefixes }
    const slash = shallow ? key.indexOf('/', prefix.length) : -1
    const folder = key.slice(0, slash + 1)
    at = slash < 0 ? at + 1 : endOfFolder(sorted, folder)
    if (slash < 0) keys.push(key)
    else if (folder !== after) prefixes.push(folder)
    last = slash < 0 ? key : folder
  }
  return sorted[at]?.startsWith(prefix) === true && last !== undefined
    ? { keys, prefixes, next: last }
    : { keys, prefixes }
}

function firstAfter(sorted: readonly string[], key: string): number {
  const at = lowerBound(sorted, key)
  return sorted[at] === key ? at + 1 : at
}

/** The index after the last key in the folder: the character after `/` is `0`. */
function endOfFolder(sorted: readonly string[], folder: string): number {
  return lowerBound(sorted, `${folder.slice(0, -1)}0`)
}
