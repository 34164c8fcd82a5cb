import { readdirSync, readFileSync } from 'node:fs'

import type { ErrorCode } from '../../service/errors.ts'
import type { Canonical } from './canonical-rows.ts'

const folder = new URL('../golden/parquet/', import.meta.url)

/** Names of the good golden files, without `.parquet`. */
export function goldenNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => name.slice(0, -'.parquet'.length))
}

export function goldenBytes(name: string): Uint8Array {
  return readFileSync(new URL(`${name}.parquet`, folder))
}

/** The rows of `NAME.rows.jsonl`; numbers compare as doubles, as the README says. */
export function goldenRows(name: string): Canonical[][] {
  const lines = readFileSync(new URL(`${name}.rows.jsonl`, folder), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Canonical[])
}

export interface GoldenColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
}

/** `NAME.schema.json`: the Arrow schema as pyarrow prints it. */
export function goldenSchema(name: string): { rows: number; columns: readonly GoldenColumn[] } {
  return JSON.parse(readFileSync(new URL(`${name}.schema.json`, folder), 'utf8')) as {
    rows: number
    columns: readonly GoldenColumn[]
  }
}

/** Broken files, by name within `broken/` and the error codes that are right. */
export function brokenFiles(): readonly (readonly [string, readonly ErrorCode[]])[] {
  const text = readFileSync(new URL('broken/expected.json', folder), 'utf8')
  const expected = JSON.parse(text) as Record<string, { codes: ErrorCode[] }>
  return Object.entries(expected).map(([file, { codes }]) => [file.replace('.parquet', ''), codes])
}
