import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { valueBytes } from '../arrow/type-width.ts'
import type {
  Codec,
  ColumnChunk,
  FileColumn,
  Footer,
  Leaf,
  PhysicalType,
} from '../footers/footer.ts'
import type { ByteRange } from '../objects/byte-range.ts'
import { canInflate } from './kernel-inflate.ts'
import type { PagePlace } from './row-selection.ts'

/** How the values of a flat column become Arrow's: what the kernels are told. */
export type ValueForm =
  | { readonly kind: 'bits' }
  | { readonly kind: 'bytes'; readonly isText: boolean; readonly offsetBytes: 4 | 8 }
  | {
      readonly kind: 'fixed'
      /** `copy`: as they are. `narrow`, `widen`: integers. `reverse…`: big-endian decimals. */
      readonly step: 'copy' | 'narrow' | 'widen' | 'int96' | 'reverse' | 'reverse_bytes'
      /** Bytes of a value in the file, 0 for byte arrays. */
      readonly sourceBytes: number
      /** Bytes of a value in Arrow. */
      readonly valueBytes: number
      /** Of narrowed integers. */
      readonly signed: boolean
    }

/** A run of bytes to fetch and where it lies in the row group's buffer. */
export interface FetchRange extends ByteRange {
  /** Offset of the run's first byte in the buffer. */
  readonly at: number
}

/** All that a worker needs to know about a column chunk: plain data. */
export interface ChunkPlan {
  /** Of the leaf: the names around it and its own, by dots. */
  readonly name: string
  readonly physicalType: PhysicalType
  readonly type: ArrowType
  readonly form: ValueForm
  readonly codec: Codec
  /** True when it may be null by itself: a flat column then has definition levels, 0 or 1. */
  readonly isOptional: boolean
  /** Where the chunk lies in the row group's buffer. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
  readonly valueCount: number
  /** The data pages that are there, ascending; the chunk's place is then its dictionary's. Absent: all are. */
  readonly pages?: readonly PagePlace[]
  /** The only page is a dictionary, whose entries come out as if they were rows. */
  readonly isDictionary?: boolean
}

/** Whether the kernels decode the column: a flat one, of a codec and a type that they know. */
export function canKernel(leaf: Leaf, chunk: Pick<ColumnChunk, 'codec'>, field: Field): boolean {
  return isFlat(leaf) && canInflate(chunk.codec) && valueForm(leaf, field.type) !== undefined
}

export function isFlat(leaf: Leaf): boolean {
  return leaf.path.length === 1 && leaf.maxRepetitionLevel === 0 && leaf.maxDefinitionLevel <= 1
}

/** Where the kernels find the column's chunk; undefined when it is not for them, or not fetched. */
export function chunkPlan(
  footer: Footer,
  groupIndex: number,
  column: FileColumn,
  fetches: readonly FetchRange[],
): ChunkPlan | undefined {
  const { leafStart: leafIndex, leafEnd, field } = column
  const leaf = footer.leaves[leafIndex]
  if (leaf === undefined || leafEnd !== leafIndex + 1 || !isFlat(leaf)) return
  return leafPlan({ footer, groupIndex, leafIndex, type: field.type }, fetches)
}

interface LeafChunk {
  readonly footer: Footer
  readonly groupIndex: number
  readonly leafIndex: number
  /** What becomes of its values. */
  readonly type: ArrowType
}

/** The same of any leaf, by its own levels. */
export function leafPlan(
  { footer, groupIndex, leafIndex, type }: LeafChunk,
  fetches: readonly FetchRange[],
): ChunkPlan | undefined {
  const leaf = footer.leaves[leafIndex]
  if (leaf === undefined) return
  const chunk = footer.chunk(groupIndex, leafIndex)
  const form = valueForm(leaf, type)
  const start = placeOf(chunk, fetches)
  if (form === undefined || start === undefined || !canInflate(chunk.codec)) return
  return {
    name: leaf.path.join('.'),
    physicalType: leaf.physicalType,
    type,
    form,
    codec: chunk.codec,
    isOptional: leaf.maxDefinitionLevel === 1,
    start,
    end: start + chunk.end - chunk.start,
    valueCount: chunk.valueCount,
  }
}

/** Where the chunk begins in the buffer; chunks of no rows may have no bytes, and are not fetched. */
function placeOf(chunk: ColumnChunk, fetches: readonly FetchRange[]): number | undefined {
  if (chunk.start === chunk.end) return 0
  const run = fetches.find(({ start, end }) => start <= chunk.start && chunk.end <= end)
  return run === undefined ? undefined : run.at + chunk.start - run.start
}

/** Undefined: not for the kernels. */
export function valueForm(
  { physicalType, typeLength }: Pick<Leaf, 'physicalType' | 'typeLength'>,
  type: ArrowType,
): ValueForm | undefined {
  switch (physicalType) {
    case 'boolean':
      return type.kind === 'bool' ? { kind: 'bits' } : undefined
    case 'int32':
      return integerForm(4, type)
    case 'int64':
      return integerForm(8, type)
    case 'int96':
      return type.kind === 'timestamp' && type.unit === 'nanosecond'
        ? fixed('int96', 12, 8)
        : undefined
    case 'float':
    case 'double': {
      const width = physicalType === 'float' ? 4 : 8
      return type.kind === 'float' && valueBytes(type) === width
        ? fixed('copy', width, width)
        : undefined
    }
    case 'byte_array':
      return byteArrayForm(type)
    case 'fixed_len_byte_array':
      return fixedLengthForm(typeLength, type)
  }
}

function integerForm(sourceBytes: 4 | 8, type: ArrowType): ValueForm | undefined {
  const width = valueBytes(type)
  switch (type.kind) {
    case 'int':
      if (width < sourceBytes && sourceBytes === 4) {
        return { ...fixed('narrow', sourceBytes, width), signed: type.signed }
      }
      break
    case 'decimal':
      if (width > sourceBytes) return fixed('widen', sourceBytes, width)
      break
    case 'date':
    case 'time':
    case 'timestamp':
    case 'duration':
      break
    default:
      return undefined
  }
  return width === sourceBytes ? fixed('copy', sourceBytes, width) : undefined
}

function byteArrayForm(type: ArrowType): ValueForm | undefined {
  switch (type.kind) {
    case 'utf8':
    case 'binary':
      return { kind: 'bytes', isText: type.kind === 'utf8', offsetBytes: 4 }
    case 'large_utf8':
    case 'large_binary':
      return { kind: 'bytes', isText: type.kind === 'large_utf8', offsetBytes: 8 }
    case 'decimal':
      return fixed('reverse_bytes', 0, valueBytes(type))
    default:
      return undefined
  }
}

function fixedLengthForm(typeLength: number, type: ArrowType): ValueForm | undefined {
  const width = valueBytes(type)
  switch (type.kind) {
    case 'fixed_size_binary':
    case 'float':
      return width === typeLength && width > 0 ? fixed('copy', width, width) : undefined
    case 'decimal':
      return typeLength > 0 ? fixed('reverse', typeLength, width) : undefined
    default:
      return undefined
  }
}

type FixedForm = Extract<ValueForm, { kind: 'fixed' }>

function fixed(step: FixedForm['step'], sourceBytes: number, width: number): FixedForm {
  return { kind: 'fixed', step, sourceBytes, valueBytes: width, signed: true }
}
