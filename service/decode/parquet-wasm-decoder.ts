import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { type FFIStream, initSync, readParquet, wasmMemory } from 'parquet-wasm/esm'

import type { ArrowType } from '../arrow/arrow-type.ts'
import type { Column } from '../arrow/column.ts'
import { GatewayError } from '../errors.ts'
import type { Footer } from '../footers/footer.ts'
import { readFooter } from '../footers/parse-footer.ts'
import { emptyColumn, readArrowArray, readArrowSchema } from './arrow-c-data.ts'
import { DECODER_MEMORY_BYTES_MAX } from './budgets.ts'
import { checkPages } from './check-pages.ts'
import type { DecodedRowGroup, Decoder, RowGroupPlan } from './decoder.ts'
import { countEngines, type EngineWatch } from './engine-counts.ts'
import { limitMemory } from './memory-limit.ts'
import { chunksOf, writeMiniTail } from './mini-tail.ts'
import { narrowColumn } from './narrow-column.ts'

const MODULE = 'parquet-wasm/esm/parquet_wasm_bg.wasm'

/** What parquet-rs says of legal files that it cannot read. */
const unsupportedMessage = /not (yet )?(implemented|supported)|unsupported|NYI|disabled feature/i

/** Characters of the library's message that are passed on: it names the damage, but may quote the file's bytes. */
const MESSAGE_CHARACTERS_MAX = 200

/**
 * Decodes with parquet-wasm (parquet-rs), in this thread. There is one WebAssembly instance, its memory limited to
 * DECODER_MEMORY_BYTES_MAX, per thread: a row group must be released before the next is decoded, because memory
 * that grows leaves the views of the previous one empty. The decoder puts the plan's tail into the buffer. `watch` is
 * told that all chunks were forced on it.
 *
 * A `WebAssembly.RuntimeError` is a trap: the instance must not be used again, the thread is to be thrown away.
 */
export function parquetWasmDecoder(watch?: EngineWatch): Decoder {
  initSync({ module: limitMemory(readFileSync(wasmPath()), DECODER_MEMORY_BYTES_MAX) })
  let lent = false
  return {
    decode: (plan, buffer) => {
      assert(!lent, 'the previous row group was not released')
      if (plan.columnNames.length === 0) {
        return { rowCount: plan.rowCount, columns: [], release: () => {} }
      }
      const file = buffer.subarray(0, plan.bufferBytes)
      assert(file.length === plan.bufferBytes, 'the buffer is smaller than the plan says')
      file.set(plan.tail, plan.tailAt)
      const footer = readFooter(file.subarray(plan.tailAt), {
        name: plan.source,
        sizeBytes: file.length,
      })
      watch?.(countEngines(footer.columns, () => 'forced'))
      const encodings = checkPages(footer, file, plan.source)
      const batches = decodeFile({ plan, footer, file, encodings })
      lent = true
      return lend(plan, batches, () => {
        lent = false
      })
    },
  }
}

/** Bytes of this thread's instance, which never get fewer. There must be a decoder. */
export function fallbackMemoryBytes(): number {
  return (wasmMemory() as { readonly buffer: ArrayBuffer }).buffer.byteLength
}

function wasmPath(): string {
  return createRequire(import.meta.url).resolve(MODULE)
}

interface MiniFile {
  readonly plan: RowGroupPlan
  readonly footer: Footer
  readonly file: Uint8Array
  /** Of each leaf's data pages. */
  readonly encodings: readonly ReadonlySet<number>[]
}

interface Batches {
  readonly stream: FFIStream
  /** What the columns are to be narrowed to; absent: they are as they should be. */
  readonly narrowTo?: readonly ArrowType[]
}

function decodeFile(mini: MiniFile): Batches {
  const { plan, footer, file } = mini
  const stream = tryDecode(plan, file)
  if (!(stream instanceof GatewayError)) return { stream }
  const widened = widenable(mini)
  if (widened.size === 0) throw stream
  const wideStream = tryDecode(plan, widenFile(mini, widened))
  if (wideStream instanceof GatewayError) throw stream
  return { stream: wideStream, narrowTo: footer.columns.map((column) => column.field.type) }
}

/** The batches, or why the library refuses the file. A trap is thrown as it is. */
function tryDecode(plan: RowGroupPlan, file: Uint8Array): FFIStream | GatewayError {
  try {
    return readParquet(file, { batchSize: Math.max(plan.rowCount, 1) }).intoFFI()
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'RuntimeError') throw error
    return translate(error, plan.source)
  }
}

function translate(error: Error, source: string): GatewayError {
  const message = error.message.slice(0, MESSAGE_CHARACTERS_MAX)
  return unsupportedMessage.test(message)
    ? new GatewayError('unsupported', `${source} cannot be read: ${message}`, { cause: error })
    : new GatewayError('unreadable_file', `${source} is damaged: ${message}`, { cause: error })
}

/** Number of DELTA_BINARY_PACKED in parquet.thrift, `Encoding`. */
const DELTA_BINARY_PACKED = 5

/**
 * Leaves of int32 that are all DELTA_BINARY_PACKED. DuckDB writes their deltas in 64 bits ("min_delta too large"
 * says parquet-rs, and arrow-cpp refuses them too). The encoding is the same for both widths: read as int64, the
 * low 32 bits are right whichever width the writer computed in.
 */
function widenable({ footer, encodings }: MiniFile): ReadonlySet<number> {
  const leafIndexes = [...footer.leaves.keys()].filter((index) => {
    const used = encodings[index]
    return (
      footer.leaves[index]?.physicalType === 'int32' &&
      used?.size === 1 &&
      used.has(DELTA_BINARY_PACKED)
    )
  })
  return new Set(leafIndexes)
}

/** The same chunks with another tail. */
function widenFile({ plan, footer, file }: MiniFile, widened: ReadonlySet<number>): Uint8Array {
  const selection = { footer, groupIndex: 0, columnIndexes: [...footer.columns.keys()] }
  const positions = chunksOf(selection).map(({ chunk }) => chunk.start)
  const tail = writeMiniTail({ ...selection, positions, widened })
  const wide = new Uint8Array(plan.tailAt + tail.length)
  wide.set(file.subarray(0, plan.tailAt))
  wide.set(tail, plan.tailAt)
  return wide
}

function lend(
  plan: RowGroupPlan,
  { stream, narrowTo }: Batches,
  released: () => void,
): DecodedRowGroup {
  let open = true
  const release = (): void => {
    if (!open) return
    open = false
    stream.free()
    released()
  }
  try {
    const decoded = columnsOf(stream)
    const columns =
      narrowTo === undefined
        ? decoded
        : decoded.map((column, index) => narrowColumn(column, narrowTo[index] ?? column.type))
    const rowCount = columns[0]?.rowCount ?? 0
    if (columns.length !== plan.columnNames.length || rowCount !== plan.rowCount) {
      throw new GatewayError(
        'unreadable_file',
        `${plan.source} is damaged: it holds ${rowCount} rows of ${columns.length} columns, ` +
          `not ${plan.rowCount} of ${plan.columnNames.length}`,
      )
    }
    return { rowCount, columns, release }
  } catch (error) {
    release()
    throw error
  }
}

function columnsOf(stream: FFIStream): readonly Column[] {
  const memory = wasmMemory().buffer
  const schema = readArrowSchema(memory, stream.schemaAddr())
  assert(schema.type.kind === 'struct', 'a batch is a struct')
  const batchCount = stream.numArrays()
  if (batchCount === 0) return schema.type.children.map((field) => emptyColumn(field.type))
  assert(batchCount === 1, 'a row group is one batch')
  const { children } = readArrowArray(memory, stream.arrayAddr(0), schema.type)
  return children
}
