import assert from 'node:assert'

import type { Column } from '../arrow/column.ts'
import { GatewayError } from '../errors.ts'
import { DECODER_MEMORY_BYTES_MAX, ROW_GROUP_PAGE_BYTES_MAX } from './budgets.ts'
import type { ChunkedPlan, ColumnReader, DecodedRowGroup, RowReader, TakeRoom } from './decoder.ts'
import { aligned, ALIGNMENT_BYTES, type Arena, createArena } from './kernel-arena.ts'
import { type ChunkWorkplace, decodeChunk } from './kernel-chunk.ts'
import type { Place } from './kernel-inflate.ts'
import {
  createKernelMemory,
  instantiateKernels,
  type KernelMemory,
  type KernelModule,
} from './kernel-module.ts'
import { decodeNested } from './kernel-nested.ts'
import { findPages, type PagedChunk } from './kernel-pages.ts'
import type { Kernels } from './kernel-signatures.ts'
import { NestedReader } from './kernel-nested-reader.ts'
import { canReadRows, ChunkReader, type ReaderWorkplace } from './kernel-reader.ts'
import {
  layOwnScratch,
  layScratch,
  ownNeeds,
  ownScratchBytes,
  type Scratch,
} from './kernel-scratch.ts'
import { type ColumnPlan, isNestedPlan, type LeafPlan, type NestedNode } from './nested-plan.ts'

export interface KernelDecoderOptions {
  readonly module: KernelModule
  /** The memory to work in; one of DECODER_MEMORY_BYTES_MAX is made when it is not given. */
  readonly memory?: KernelMemory
  /** The stretch of it that the decoder may use: all by default. */
  readonly region?: Place
}

/** What the kernels need of a plan. */
export type KernelPlan = Pick<ChunkedPlan, 'source' | 'rowCount' | 'chunks'>

/** The kernels as a decoder of the columns that a plan has chunks for, in the order of the chunks. */
export interface KernelDecoder {
  /** Shared between threads; a row group that is read into it needs no copy. */
  readonly memory: KernelMemory
  /**
   * Decodes into the decoder's region. The columns are views of it until `release`; the next row group waits for
   * that.
   *
   * @throws {GatewayError} as `Decoder.decode`.
   */
  decode(plan: KernelPlan, buffer: Uint8Array): DecodedRowGroup
  /**
   * The same with the columns at `output`, one behind the other: each validity (optional columns), offsets (text
   * and binary), values, at multiples of 64, as the ends of `output` must be. They are the caller's; nothing is to be released.
   */
  decodeTo(plan: KernelPlan, buffer: Uint8Array, output: Place): KernelOutput
  /** As `Decoder.open`; rooms and targets are parts of `memory`. Any number of row groups may be open. */
  open(plan: KernelPlan, buffer: Uint8Array, takeRoom: TakeRoom): RowReader | undefined
}

export interface KernelOutput {
  readonly columns: readonly Column[]
  /** One past the last byte that was used. */
  readonly end: number
}

/** Address 0 stays unused, so that it can mean "none". */
const REGION_START = ALIGNMENT_BYTES

/** Decodes with the kernels, in this thread. */
export function kernelDecoder(options: KernelDecoderOptions): KernelDecoder {
  const memory = options.memory ?? createKernelMemory(DECODER_MEMORY_BYTES_MAX)
  const region = options.region ?? { start: REGION_START, end: Number.MAX_SAFE_INTEGER }
  const kernels = instantiateKernels(options.module, memory)
  const views = viewsOf(memory)
  const scratchArena = createArena(memory, views.refresh)
  const outputArena = createArena(memory, views.refresh)
  let lent = false

  const bringer = (buffer: Uint8Array, scratch: Scratch): ChunkWorkplace['bring'] => {
    const at = views.placeOf(buffer)
    return (from, to) => {
      if (at !== undefined) return { start: at + from, end: at + to }
      const { start } = scratch.input
      views.now().set(buffer.subarray(from, to), start)
      return { start, end: start + to - from }
    }
  }

  const run = (plan: KernelPlan, buffer: Uint8Array, output: Place | undefined): KernelOutput => {
    const { source } = plan
    const found = plan.chunks.map((column) => findColumn(column, buffer, plan))
    const chunks = found.flatMap((column): readonly PagedChunk[] => column.chunks)
    checkBudget(chunks, source)
    scratchArena.reset(region.start, region.end, source)
    const scratch = layScratch(chunks, views.placeOf(buffer) === undefined, scratchArena)
    const { start, end } = output ?? { start: aligned(scratchArena.top), end: region.end }
    outputArena.reset(start, end, source)
    const bring = bringer(buffer, scratch)
    const shared = { kernels, scratch, output: outputArena, memory: views.now, bring }
    const workplace = ({ column, fail }: PagedChunk) => ({ ...shared, column, fail })
    const columns = found.map((column) => {
      if (column.root !== undefined) {
        const nested = column.chunks.map((paged) => ({ paged, work: workplace(paged) }))
        return decodeNested(column.root, nested)
      }
      const [chunk] = column.chunks
      return decodeChunk(chunk, chunk.rowCount, workplace(chunk))
    })
    return { columns, end: outputArena.top }
  }

  return {
    memory,
    decode: (plan, buffer) => {
      assert(!lent, 'the previous row group was not released')
      const { columns } = run(plan, buffer, undefined)
      lent = true
      let open = true
      const release = (): void => {
        if (open) lent = false
        open = false
      }
      return { rowCount: plan.rowCount, columns, release }
    },
    decodeTo: (plan, buffer, output) => {
      assert(aligned(output.start) === output.start && aligned(output.end) === output.end)
      return run(plan, buffer, output)
    },
    open: rowOpener({ kernels, scratch: scratchArena, output: outputArena, views, bringer }),
  }
}

/** A column whose pages are found: a nested one has a root. */
type FoundColumn =
  | { readonly root: NestedNode; readonly chunks: readonly PagedChunk<LeafPlan>[] }
  | { readonly root?: undefined; readonly chunks: readonly [PagedChunk] }

function findColumn(column: ColumnPlan, buffer: Uint8Array, plan: KernelPlan): FoundColumn {
  if (!isNestedPlan(column)) return { chunks: [findPages(column, buffer, plan)] }
  const { root, leaves } = column
  return { root, chunks: leaves.map((leaf) => findPages(leaf, buffer, plan)) }
}

interface OpenerParts {
  readonly kernels: Kernels
  readonly scratch: Arena
  readonly output: Arena
  readonly views: ReturnType<typeof viewsOf>
  readonly bringer: (buffer: Uint8Array, scratch: Scratch) => ChunkWorkplace['bring']
}

function rowOpener(parts: OpenerParts): KernelDecoder['open'] {
  const { kernels, output, views, bringer } = parts
  return (plan, buffer, takeRoom) => {
    const { source, rowCount } = plan
    const found = plan.chunks.map((column) => findColumn(column, buffer, plan))
    const chunks = found.flatMap((column): readonly PagedChunk[] => column.chunks)
    checkBudget(chunks, source)
    if (!chunks.every(canReadRows)) return
    const isForeign = views.placeOf(buffer) === undefined
    const needs = ownNeeds(chunks, isForeign)
    const room = takeRoom(ownScratchBytes(needs))
    if (room === undefined) return
    const place = views.regionOf(room)
    parts.scratch.reset(place.start, place.end, source)
    const scratches = layOwnScratch(needs, parts.scratch).values()
    const workplace = ({ column, fail }: PagedChunk): ReaderWorkplace => {
      const scratch = scratches.next().value
      assert(scratch !== undefined)
      const bring = bringer(buffer, scratch)
      return { kernels, output, memory: views.now, scratch, bring, column, fail }
    }
    const readers = found.map((column) => {
      if (column.root !== undefined) {
        const leaves = column.chunks.map((paged) => ({ paged, work: workplace(paged) }))
        return new NestedReader(column.root, leaves)
      }
      const [chunk] = column.chunks
      return new ChunkReader(chunk, workplace(chunk))
    })
    const aim = (target: Uint8Array): Arena => {
      const { start, end } = views.regionOf(target)
      output.reset(start, end, source)
      return output
    }
    return { rowCount, columns: readers.map((reader) => toColumnReader(reader, aim)) }
  }
}

/** @param aim lets the reader write to a target */
function toColumnReader(
  reader: ChunkReader | NestedReader,
  aim: (target: Uint8Array) => Arena,
): ColumnReader {
  return {
    type: reader.type,
    estimateBytes: (rowCount) => reader.estimateBytes(rowCount),
    read: (rowCount, target) => {
      const arena = aim(target)
      const { top } = arena
      const column = reader.read(rowCount)
      return { column, lengthBytes: aligned(arena.top) - top }
    },
    seek: (row) => reader.seek(row),
  }
}

function checkBudget(chunks: readonly PagedChunk[], source: string): void {
  let bytes = 0
  for (const { pages } of chunks) for (const page of pages) bytes += page.uncompressedBytes
  if (bytes > ROW_GROUP_PAGE_BYTES_MAX) {
    throw new GatewayError(
      'too_large',
      `${source} decompresses to more than ${ROW_GROUP_PAGE_BYTES_MAX} bytes: read fewer columns or write smaller row groups`,
    )
  }
}

/** Views of a memory that grows: it has a new buffer then, and the old ones stay good for what they cover. */
function viewsOf(memory: KernelMemory) {
  const buffers = new WeakSet<ArrayBufferLike>()
  let view = new Uint8Array(memory.buffer)
  buffers.add(view.buffer)
  const refresh = (): void => {
    if (view.buffer === memory.buffer) return
    view = new Uint8Array(memory.buffer)
    buffers.add(view.buffer)
  }
  const holds = (bytes: Uint8Array): boolean => {
    if (bytes.buffer === view.buffer) return true
    refresh()
    return buffers.has(bytes.buffer)
  }
  return {
    now: (): Uint8Array => view,
    /** To be told when the memory has grown. */
    refresh,
    /** The address of bytes that lie in the memory. */
    placeOf: (bytes: Uint8Array): number | undefined =>
      holds(bytes) ? bytes.byteOffset : undefined,
    /** The place of aligned bytes that must lie in the memory. */
    regionOf: (bytes: Uint8Array): Place => {
      const { byteOffset: start, length } = bytes
      assert(holds(bytes), 'bytes outside the memory of the kernels')
      assert(aligned(start) === start && aligned(length) === length, 'bytes that are not aligned')
      return { start, end: start + length }
    },
  }
}
