import { readFileSync } from 'node:fs'

import type { Column } from '../../service/arrow/column.ts'
import { planRowGroup } from '../../service/decode/mini-file.ts'
import { openDecoder } from '../../service/decode/open-decoder.ts'
import { parseFooter } from '../../service/footers/parse-footer.ts'

const folder = new URL('../golden/pages/', import.meta.url)

/** Files with page indexes and bloom filters, written by pyarrow: `test/golden/pages/make.py`. */
export const pagedNames = ['paged', 'paged_v2', 'paged_zstd'] as const

export function pagedFile(name: (typeof pagedNames)[number] | 'bloom_types') {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.parquet`, folder)))
  const object = { bucket: 'b', key: `t/${name}.parquet`, etag: '1', sizeBytes: bytes.length }
  return { bytes, object, footer: parseFooter(bytes, object) }
}

const decoder = await openDecoder('auto')

/** A column of each row group, as long as nothing else is decoded here. */
export function decodeFileColumn(
  { bytes, object, footer }: ReturnType<typeof pagedFile>,
  columnIndex: number,
): readonly Column[] {
  return Array.from({ length: footer.rowGroupCount }, (_, groupIndex) => {
    const plan = planRowGroup({ footer, object, groupIndex, columnIndexes: [columnIndex] })
    const buffer = new Uint8Array(plan.bufferBytes)
    for (const { start, end, at } of plan.fetches) buffer.set(bytes.subarray(start, end), at)
    const decoded = decoder.decode(plan, buffer)
    const copies = decoded.columns.map(copyOf)
    decoded.release()
    return copies
  }).flat()
}

function copyOf(column: Column): Column {
  const copy = (bytes: Uint8Array | null) => bytes && new Uint8Array(bytes)
  const { validity, offsets, values } = column
  return { ...column, validity: copy(validity), offsets: copy(offsets), values: copy(values) }
}
