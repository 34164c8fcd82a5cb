import type { ArrowType } from '../../service/arrow/arrow-type.ts'
import type { Footer, Leaf, PhysicalType, RawStatistics } from '../../service/footers/footer.ts'

export interface FakeColumn {
  readonly name: string
  readonly type: ArrowType
  readonly physicalType: PhysicalType
  readonly typeLength?: number
  readonly nullable?: boolean
}

export interface FakeRowGroup {
  readonly rowCount: number
  readonly decodedBytes: number
  /** By column name. */
  readonly statistics?: Readonly<Record<string, Partial<RawStatistics>>>
}

/** A footer of top-level primitive columns, as a parser would have made it. */
export function fakeFooter(
  columns: readonly FakeColumn[],
  rowGroups: readonly FakeRowGroup[],
): Footer {
  const leaves = columns.map(fakeLeaf)
  return {
    bytes: new Uint8Array(0),
    createdBy: 'test',
    rowCount: rowGroups.reduce((sum, { rowCount }) => sum + rowCount, 0),
    rowGroupCount: rowGroups.length,
    columns: columns.map(({ name, type, nullable = true }, at) => ({
      field: { name, type, nullable },
      leafStart: at,
      leafEnd: at + 1,
    })),
    leaves,
    keyValues: {},
    heldBytes: 0,
    rowGroup(groupIndex) {
      return rowGroups[groupIndex] ?? { rowCount: 0, decodedBytes: 0 }
    },
    chunk() {
      throw new Error('a fake footer has no chunks')
    },
    statistics(groupIndex, leafIndex) {
      const name = leaves[leafIndex]?.path[0] ?? ''
      const statistics = rowGroups[groupIndex]?.statistics?.[name]
      return statistics && { minExact: true, maxExact: true, deprecated: false, ...statistics }
    },
  }
}

export function fakeLeaf(column: FakeColumn, columnIndex: number): Leaf {
  return {
    path: [column.name],
    columnIndex,
    physicalType: column.physicalType,
    typeLength: column.typeLength ?? 0,
    maxDefinitionLevel: column.nullable === false ? 0 : 1,
    maxRepetitionLevel: 0,
  }
}

/** PLAIN bytes of an int32. */
export function int32Bytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

/** PLAIN bytes of an int64. */
export function int64Bytes(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}
