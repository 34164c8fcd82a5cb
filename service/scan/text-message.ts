import type { Field } from '../arrow/arrow-type.ts'
import type { MessagePlan } from '../arrow/framed-message.ts'
import { rowsText, type TextFormat } from '../arrow/row-text.ts'
import type { BatchPiece } from '../arrow/write-batch.ts'
import { GatewayError } from '../errors.ts'

/** Rows that become text. */
export interface TextRows {
  readonly format: TextFormat
  readonly fields: readonly Field[]
  readonly pieces: readonly BatchPiece[]
  /** Names file and row group in errors. */
  readonly source: string
}

/**
 * The rows as lines of text. The text is made at once and needs the rows no more.
 *
 * @throws {GatewayError} what `rowsText` throws, naming the row group.
 */
export function planTextMessage(rows: TextRows): MessagePlan {
  const text = textOf(rows)
  const totalBytes = Buffer.byteLength(text)
  return {
    totalBytes,
    write(memory) {
      const { buffer, byteOffset } = memory
      Buffer.from(buffer, byteOffset, totalBytes).write(text)
      return memory.subarray(0, totalBytes)
    },
  }
}

function textOf({ format, fields, pieces, source }: TextRows): string {
  try {
    return rowsText(format, fields, pieces)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const options = error.cause === undefined ? {} : { cause: error.cause }
    throw new GatewayError(error.code, `${source}: ${error.message}`, options)
  }
}
