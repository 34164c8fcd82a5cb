import { readFileSync } from 'node:fs'

import { parseFooter } from '../../service/footers/parse-footer.ts'

const folder = new URL('../golden/pages/', import.meta.url)

/** Files with page indexes and bloom filters, written by pyarrow: `test/golden/pages/make.py`. */
export const pagedNames = ['paged', 'paged_v2'] as const

export function pagedFile(name: (typeof pagedNames)[number]) {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.parquet`, folder)))
  const object = { bucket: 'b', key: `t/${name}.parquet`, etag: '1', sizeBytes: bytes.length }
  return { bytes, object, footer: parseFooter(bytes, object) }
}
