import type { Field } from '../arrow/arrow-type.ts'
import { childFields } from '../arrow/child-fields.ts'
import type { TextFormat } from '../arrow/row-text.ts'
import { GatewayError } from '../errors.ts'
import type { FrameLimits } from '../scan/frame.ts'

/** Go's and Rust's clients take no larger message unless they are told to. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024
/**
 * Of 1 to 2 MiB, messages cost their readers the least. Each costs the same here, whatever its size: 2 MB take 8 % of
 * the server's CPU less than 1.5 MB (trips), 3.5 MB hardly less again.
 */
const BODY_BYTES_TARGET = 2_000_000
/** Narrow rows reach the target late; more rows than this help nobody. */
const ROWS_MAX = 1 << 20
/** A node and three buffers, 16 bytes each: more than any one type has. */
const HEADER_BYTES_PER_TYPE = 4 * 16
/** The rest of a record batch's header, and what protobuf puts around header and body. */
const HEADER_BYTES_FIXED = 512

/**
 * How rows of these columns are cut, so that no message is larger than any client takes.
 *
 * @throws {GatewayError} `too_large` the header of a message alone would be.
 */
export function frameLimits(fields: readonly Field[]): FrameLimits {
  const headerBytes = HEADER_BYTES_FIXED + typesIn(fields) * HEADER_BYTES_PER_TYPE
  const bodyBytesMax = MESSAGE_BYTES_MAX - headerBytes
  if (bodyBytesMax >= BODY_BYTES_TARGET) {
    return { bodyBytesTarget: BODY_BYTES_TARGET, bodyBytesMax, rowsMax: ROWS_MAX }
  }
  throw new GatewayError(
    'too_large',
    `${fields.length} columns do not fit into messages of ${MESSAGE_BYTES_MAX} bytes; select fewer`,
  )
}

/** What text takes beside the values that have bytes of their own: names, quotes, commas, numbers. */
const TEXT_BYTES_PER_CELL = 32
/** Text of this size costs its reader little, and the scan little memory. */
const TEXT_BYTES_TARGET = 1024 * 1024

/**
 * How rows are cut that become text, which may be many times the size of its values.
 *
 * @throws {GatewayError} as {@link frameLimits}.
 */
export function textLimits(fields: readonly Field[], text: TextFormat): FrameLimits {
  const names = text === 'csv' ? 0 : fields.reduce((sum, { name }) => sum + name.length, 0)
  const rowBytes = names + typesIn(fields) * TEXT_BYTES_PER_CELL
  const rowsMax = Math.max(1, Math.floor(TEXT_BYTES_TARGET / Math.max(1, rowBytes)))
  return { ...frameLimits(fields), bodyBytesTarget: TEXT_BYTES_TARGET / 4, rowsMax, text }
}

function typesIn(fields: readonly Field[]): number {
  return fields.reduce((sum, { type }) => sum + 1 + typesIn(childFields(type)), 0)
}
