import type { ArrowType, Field } from '../arrow/arrow-type.ts'
import { GatewayError } from '../errors.ts'
import type { FrameLimits } from '../scan/frame.ts'

/** Go's and Rust's clients take no larger message unless they are told to. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024
/** Of 1 to 2 MiB, messages cost their readers the least. */
const BODY_BYTES_TARGET = 1_500_000
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

function typesIn(fields: readonly Field[]): number {
  return fields.reduce((sum, { type }) => sum + 1 + typesIn(childrenOf(type)), 0)
}

function childrenOf(type: ArrowType): readonly Field[] {
  switch (type.kind) {
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return [type.child]
    case 'struct':
      return type.children
    case 'map':
      return [type.entries]
    default:
      return []
  }
}
