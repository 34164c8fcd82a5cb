import { GatewayError } from '../errors.ts'
import type { ListedObject, ObjectStore } from '../objects/object-store.ts'
import type { DeclaredColumn } from './declared-column.ts'
import { declaredColumn, membersOf, refuseOthers } from './declared-column.ts'

/** What the owner of a table says about it, in the object `<table folder>.spillway.json` beside the folder. */
export interface TableOptions {
  /** Partition columns, outermost first; none: they are found by listing. */
  readonly partitions: readonly DeclaredColumn[]
}

/** What follows the folder's name in the name of its option file. */
export const OPTION_FILE_SUFFIX = '.spillway.json'

/** 10,000 values of an enum, escaped. */
const OPTION_FILE_BYTES_MAX = 1024 * 1024
const COLUMNS_MAX = 32
/** Files whose content is remembered. */
const REMEMBERED_MAX = 100

/** Reads option files; what was read once is known until the object changes. */
export class TableOptionsReader {
  readonly #store: ObjectStore
  /** By bucket, key and ETag; the oldest first. */
  readonly #remembered = new Map<string, TableOptions>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /**
   * @throws {GatewayError} `unreadable_file` it is no JSON or declares something wrong: names file and member;
   *   `too_large` above its limit; whatever the store throws.
   */
  async read(file: ListedObject, signal: AbortSignal): Promise<TableOptions> {
    const name = JSON.stringify([file.bucket, file.key, file.etag])
    const known = this.#remembered.get(name)
    if (known) return known
    const { sizeBytes } = file
    if (sizeBytes > OPTION_FILE_BYTES_MAX) {
      throw new GatewayError(
        'too_large',
        `${file.bucket}/${file.key} has ${sizeBytes} bytes, a table's options at most ${OPTION_FILE_BYTES_MAX}`,
      )
    }
    const range = { start: 0, end: sizeBytes }
    const bytes =
      sizeBytes === 0 ? new Uint8Array() : await this.#store.read({ object: file, range }, signal)
    const options = parseTableOptions(bytes, `${file.bucket}/${file.key}`)
    this.#remembered.set(name, options)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED_MAX) break
      this.#remembered.delete(oldest)
    }
    return options
  }
}

/** @throws {GatewayError} `unreadable_file` names the file and what is wrong. */
export function parseTableOptions(bytes: Uint8Array, file: string): TableOptions {
  const refuse = (what: string): never => {
    throw new GatewayError('unreadable_file', `${file} ${what}`)
  }
  const members = membersOf(parseJson(bytes, file))
  if (!members) return refuse('is no JSON object')
  refuseOthers(members, ['partitions'], refuse)
  const partitions = members.get('partitions') ?? {}
  const declared = membersOf(partitions)
  if (!declared) return refuse('has "partitions" that are no JSON object')
  if (declared.size > COLUMNS_MAX) return refuse(`has more than ${COLUMNS_MAX} partitions`)
  const names = [...declared.keys()]
  // JSON.parse moves names that are numbers to the front, and so would the folders' order be lost.
  const odd = names.find((name) => name === '' || /^\d+$/.test(name))
  if (odd !== undefined) return refuse(`names a partition ${JSON.stringify(odd)}`)
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    return refuse(`has partitions that differ only by case: ${names.join(', ')}`)
  }
  const columns = [...declared].map(([name, given]) =>
    declaredColumn(name, given, (what) => refuse(`partitions.${name} ${what}`)),
  )
  return { partitions: columns }
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new GatewayError('unreadable_file', `${file} is no JSON`, { cause })
  }
}
