import type { TableDescription } from '../catalog/catalog.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { CostNote } from './cost-note.ts'
import { withoutZeros } from './cost-note.ts'

type Describe = (name: TableName, signal: AbortSignal) => Promise<TableDescription>

/** Notes what finding out about a table cost. */
export function watchDescribe(describe: Describe, note: CostNote): Describe {
  return async (name, signal) => {
    const description = await describe(name, signal)
    const { requests, bytes } = description.cost
    note('describe', { ...name, requests: withoutZeros(requests), bytes: withoutZeros(bytes) })
    return description
  }
}
