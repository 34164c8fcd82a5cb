import assert from 'node:assert'
import type { ArrowType } from './arrow-type.ts'
import type { Column } from './column.ts'
import { offsetBytes } from './type-width.ts'
import { type BatchPiece, type BatchPlan, planBatch } from './write-batch.ts'

/**
 * The pieces' rows, one after the other, copied into one piece of memory of their own. The columns are views of it
 * and keep nothing else alive.
 *
 * @throws {GatewayError} what {@link planBatch} throws.
 */
export function ownRows(types: readonly ArrowType[], pieces: readonly BatchPiece[]): Column[] {
  const plan = planBatch(types, pieces)
  const body = new Uint8Array(plan.bodyBytes)
  plan.writeBody(body)
  const reader = bodyReader(plan, body)
  return types.map((type) => readColumn(type, reader))
}

/** The same for rows `start` to `start + count` of one column. */
export function ownColumn(column: Column, start: number, count: number): Column {
  const [copy] = ownRows([column.type], [{ columns: [column], start, count }])
  assert(copy !== undefined)
  return copy
}

/** Hands out nodes and buffers in the order in which they were planned. */
interface BodyReader {
  node(): { readonly rowCount: number; readonly nullCount: number }
  buffer(): Uint8Array
}

function bodyReader(plan: BatchPlan, body: Uint8Array): BodyReader {
  let nodeIndex = 0
  let bufferIndex = 0
  return {
    node: () => plan.nodes[nodeIndex++] ?? assert.fail('too few nodes'),
    buffer() {
      const { offset, lengthBytes } = plan.buffers[bufferIndex++] ?? assert.fail('too few buffers')
      return body.subarray(offset, offset + lengthBytes)
    },
  }
}

function readColumn(type: ArrowType, reader: BodyReader): Column {
  const { rowCount, nullCount } = reader.node()
  const isNull = type.kind === 'null'
  const validity = isNull ? null : reader.buffer()
  return {
    type,
    rowCount,
    offset: 0,
    nullCount,
    validity: nullCount === 0 ? null : validity,
    offsets: offsetBytes(type) === 0 ? null : reader.buffer(),
    ...readContent(type, reader),
  }
}

function readContent(type: ArrowType, reader: BodyReader): Pick<Column, 'values' | 'children'> {
  switch (type.kind) {
    case 'null':
      return { values: null, children: [] }
    case 'struct':
      return {
        values: null,
        children: type.children.map((child) => readColumn(child.type, reader)),
      }
    case 'list':
    case 'large_list':
    case 'fixed_size_list':
      return { values: null, children: [readColumn(type.child.type, reader)] }
    case 'map':
      return { values: null, children: [readColumn(type.entries.type, reader)] }
    default:
      return { values: reader.buffer(), children: [] }
  }
}
