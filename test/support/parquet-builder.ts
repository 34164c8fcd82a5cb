import { ThriftWriter } from '../../service/decode/thrift-writer.ts'

/** A node of a Parquet schema, for footers made by hand. */
export interface BuiltNode {
  readonly name: string
  readonly repetition: 'required' | 'optional' | 'repeated'
  /** Number in parquet.thrift's `Type`; absent for groups. */
  readonly type?: number
  readonly typeLength?: number
  /** Number in parquet.thrift's `ConvertedType`. */
  readonly converted?: number
  readonly scale?: number
  readonly precision?: number
  readonly children?: readonly BuiltNode[]
}

const repetitions = ['required', 'optional', 'repeated']

export interface BuiltFile {
  readonly columns: readonly BuiltNode[]
  readonly keyValues?: Readonly<Record<string, string>>
  /** Row groups without rows. */
  readonly rowGroupCount?: number
  /** Bytes of padding in the key-values, to make the footer large. */
  readonly paddingBytes?: number
}

/** A Parquet file without rows: magic, footer, length, magic. */
export function emptyParquet(file: BuiltFile): Uint8Array {
  const { columns, keyValues = {}, paddingBytes = 0, rowGroupCount = 0 } = file
  const writer = new ThriftWriter()
  writer.small(1, 2)
  writeSchema(writer, columns)
  writer.integer(3, 0)
  writer.structs(4, rowGroupCount)
  for (let group = 0; group < rowGroupCount; group++)
    writer.element(() => writeRowGroup(writer, columns))
  const entries = [...Object.entries(keyValues), ['padding', 'x'.repeat(paddingBytes)] as const]
  writer.structs(5, entries.length)
  for (const [key, value] of entries) {
    writer.element(() => {
      writer.text(1, key)
      writer.text(2, value)
    })
  }
  writer.stop()
  return frameFooter(writer.finish(0))
}

/** Thrift bytes as a file: magic, footer, length, magic. */
export function frameFooter(thrift: Uint8Array): Uint8Array {
  const file = Buffer.alloc(4 + thrift.length + 8)
  file.write('PAR1', 0, 'latin1')
  file.set(thrift, 4)
  file.writeUInt32LE(thrift.length, 4 + thrift.length)
  file.write('PAR1', 8 + thrift.length, 'latin1')
  return file
}

/** A column chunk with its pages, to be put in a file. */
export interface BuiltChunk {
  /** A dictionary, where there is one, comes first. */
  readonly bytes: Uint8Array
  /** Number in parquet.thrift's `CompressionCodec`. */
  readonly codec: number
  readonly valueCount: number
}

/** A Parquet file of one row group; a chunk for each leaf, in their order. */
export function parquetOf(
  columns: readonly BuiltNode[],
  rowCount: number,
  chunks: readonly BuiltChunk[],
): Uint8Array {
  const leaves = columns.flatMap((column) => leavesOf(column, []))
  const writer = new ThriftWriter()
  writer.small(1, 2)
  writeSchema(writer, columns)
  writer.integer(3, rowCount)
  writer.structs(4, 1)
  writer.element(() => {
    writer.structs(1, leaves.length)
    let offset = 4
    for (const [index, leaf] of leaves.entries()) {
      const chunk = chunks[index]
      if (chunk === undefined) throw new Error('a leaf without a chunk')
      const at = offset
      writer.element(() => writeChunk(writer, leaf, chunk, at))
      offset += chunk.bytes.length
    }
    writer.integer(2, offset)
    writer.integer(3, rowCount)
  })
  writer.stop()
  const footer = frameFooter(writer.finish(0)).subarray(4)
  return Buffer.concat([Buffer.from('PAR1'), ...chunks.map(({ bytes }) => bytes), footer])
}

interface BuiltLeaf {
  readonly node: BuiltNode
  readonly path: readonly string[]
}

function writeChunk(
  writer: ThriftWriter,
  { node, path }: BuiltLeaf,
  { bytes, codec, valueCount }: BuiltChunk,
  offset: number,
): void {
  writer.integer(2, 0)
  writer.struct(3, () => {
    writer.small(1, node.type ?? 0)
    writer.smalls(2, [0, 3])
    writer.texts(3, path)
    writer.small(4, codec)
    writer.integer(5, valueCount)
    writer.integer(6, bytes.length)
    writer.integer(7, bytes.length)
    writer.integer(9, offset)
  })
}

function writeSchema(writer: ThriftWriter, columns: readonly BuiltNode[]): void {
  writer.structs(2, 1 + columns.reduce((sum, column) => sum + countNodes(column), 0))
  writer.element(() => {
    writer.text(4, 'schema')
    writer.small(5, columns.length)
  })
  for (const column of columns) writeNode(writer, column)
}

function writeRowGroup(writer: ThriftWriter, columns: readonly BuiltNode[]): void {
  const leaves = columns.flatMap((column) => leavesOf(column, []))
  writer.structs(1, leaves.length)
  for (const { node, path } of leaves) {
    writer.element(() => {
      writer.integer(2, 0)
      writer.struct(3, () => {
        writer.small(1, node.type ?? 0)
        writer.smalls(2, [0])
        writer.texts(3, path)
        for (const id of [4, 5, 6, 7]) writer.small(id, 0)
        writer.integer(9, 4)
      })
    })
  }
  writer.integer(2, 0)
  writer.integer(3, 0)
}

function leavesOf(node: BuiltNode, above: readonly string[]): BuiltLeaf[] {
  const path = [...above, node.name]
  if (node.children === undefined) return [{ node, path }]
  return node.children.flatMap((child) => leavesOf(child, path))
}

function countNodes(node: BuiltNode): number {
  return 1 + (node.children ?? []).reduce((sum, child) => sum + countNodes(child), 0)
}

function writeNode(writer: ThriftWriter, node: BuiltNode): void {
  writer.element(() => {
    if (node.type !== undefined) writer.small(1, node.type)
    if (node.typeLength !== undefined) writer.small(2, node.typeLength)
    writer.small(3, repetitions.indexOf(node.repetition))
    writer.text(4, node.name)
    if (node.children !== undefined) writer.small(5, node.children.length)
    if (node.converted !== undefined) writer.small(6, node.converted)
    if (node.scale !== undefined) writer.small(7, node.scale)
    if (node.precision !== undefined) writer.small(8, node.precision)
  })
  for (const child of node.children ?? []) writeNode(writer, child)
}
