import type { Field } from '../arrow/arrow-type.ts'
import type { Split } from '../planning/split.ts'
import type { ScanColumn } from './scan-request.ts'

/** The fields as columns of a scan: those that the split's folders carry come from there, whatever the case of names. */
export function scanColumns(
  fields: readonly Field[],
  { partitionColumns }: Pick<Split, 'partitionColumns'>,
): readonly ScanColumn[] {
  const partitions = new Map(partitionColumns.map((name) => [name.toLowerCase(), name]))
  return fields.map((field): ScanColumn => {
    const partition = partitions.get(field.name.toLowerCase())
    return partition === undefined
      ? { field, from: { kind: 'file' } }
      : { field, from: { kind: 'partition', partition } }
  })
}
