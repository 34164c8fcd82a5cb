import { readdirSync, readFileSync } from 'node:fs'
import type { ArrowType, Field } from '../../service/arrow/arrow-type.ts'
import type { Canonical } from './columns-canonical.ts'

const folder = new URL('../golden/parquet/', import.meta.url)

/** Names of the golden Parquet files, without extension. */
export function goldenNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => name.slice(0, -'.parquet'.length))
}

export function goldenBytes(name: string): Uint8Array {
  return readFileSync(new URL(`${name}.parquet`, folder))
}

export function goldenRows(name: string): Canonical[][] {
  const text = readFileSync(new URL(`${name}.rows.jsonl`, folder), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Canonical[])
}

/** Names of the broken files, with the error codes each may end with. */
export function brokenCodes(): [name: string, codes: readonly string[]][] {
  const text = readFileSync(new URL('broken/expected.json', folder), 'utf8')
  const expected = JSON.parse(text) as Record<string, { readonly codes: readonly string[] }>
  return Object.entries(expected).map(([file, { codes }]) => [
    `broken/${file.replace('.parquet', '')}`,
    codes,
  ])
}

/** The field with views and dictionaries made plain, as it may go on a wire and apache-arrow can read it. */
export function plainField(field: Field): Field {
  return { ...field, type: plainType(field.type) }
}

function plainType(type: ArrowType): ArrowType {
  switch (type.kind) {
    case 'utf8_view':
      return { kind: 'utf8' }
    case 'binary_view':
      return { kind: 'binary' }
    case 'dictionary':
      return plainType(type.value)
    case 'large_list':
    case 'list':
      return { kind: 'list', child: plainField(type.child) }
    case 'fixed_size_list':
      return { ...type, child: plainField(type.child) }
    case 'struct':
      return { kind: 'struct', children: type.children.map(plainField) }
    case 'map':
      return { ...type, entries: plainField(type.entries) }
    default:
      return type
  }
}
