import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { type FFIStream, initSync, readParquet, wasmMemory } from 'parquet-wasm/esm'

import type { Column } from '../arrow/column.ts'
import { GatewayError } from '../errors.ts'
import { readFooter } from '../footers/parse-footer.ts'
import { emptyColumn, readArrowArray, readArrowSchema } from './arrow-c-data.ts'
import { DECODER_MEMORY_BYTES_MAX } from './budgets.ts'
import { checkPages } from './check-pages.ts'
import type { DecodedRowGroup, Decoder, RowGroupPlan } from './decoder.ts'
import { limitMemory } from './memory-limit.ts'

const MODULE = 'parquet-wasm/esm/parquet_wasm_bg.wasm'

/** What parquet-rs says of legal files that it cannot read. */
const unsupportedMessage = /not (yet )?(implemented|supported)|unsupported|NYI|disabled feature/i

/** Characters of the library's message that are passed on: it names the damage, but may quote the file's bytes. */
const MESSAGE_CHARACTERS_MAX = 200

/**
 * Decodes with parquet-wasm (parquet-rs), in this thread. There is one WebAssembly instance, its memory limited to
 * DECODER_MEMORY_BYTES_MAX, per thread: a row group must be released before the next is decoded, because memory
 * that grows leaves the views of the previous one empty. The decoder puts the plan's tail into the buffer.
 *
 * A `WebAssembly.RuntimeError` is a trap: the instance must not be used again, the thread is to be thrown away.
 */
export function parquetWasmDecoder(): Decoder {
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
      checkPages(footer, file, plan.source)
      const stream = decodeFile(plan, file)
      lent = true
      return lend(plan, stream, () => {
        lent = false
      })
    },
  }
}

function wasmPath(): string {
  return createRequire(import.meta.url).resolve(MODULE)
}

function decodeFile(plan: RowGroupPlan, file: Uint8Array): FFIStream {
  try {
    return readParquet(file, { batchSize: Math.max(plan.rowCount, 1) }).intoFFI()
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'RuntimeError') throw error
    const message = error.message.slice(0, MESSAGE_CHARACTERS_MAX)
    throw unsupportedMessage.test(message)
      ? new GatewayError('unsupported', `${plan.source} cannot be read: ${message}`, {
          cause: error,
        })
      : new GatewayError('unreadable_file', `${plan.source} is damaged: ${message}`, {
          cause: error,
        })
  }
}

function lend(plan: RowGroupPlan, stream: FFIStream, released: () => void): DecodedRowGroup {
  let open = true
  const release = (): void => {
    if (!open) return
    open = false
    stream.free()
    released()
  }
  try {
    const columns = columnsOf(stream)
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
