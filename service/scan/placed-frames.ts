import assert from 'node:assert'
import type { Field } from '../arrow/arrow-type.ts'
import { castColumn } from '../arrow/cast.ts'
import type { Column } from '../arrow/column.ts'
import { flightPrefixBytesMax, writeFlightPrefix } from '../arrow/framed-message.ts'
import { constantColumn } from '../arrow/make-column.ts'
import { measureRows, paddingBytesMax } from '../arrow/measure-rows.ts'
import type { BufferSpan, FieldNode } from '../arrow/record-batch-message.ts'
import { sameType } from '../arrow/same-type.ts'
import { BUFFER_ALIGNMENT_BYTES, planBatch } from '../arrow/write-batch.ts'
import type { Decoder, RowGroupPlan, RowReader } from '../decode/decoder.ts'
import { GatewayError } from '../errors.ts'
import { inColumn } from './cast-rows.ts'
import type { DecoderRoom, DecoderRooms } from './decoder-rooms.ts'
import type { FrameLimits } from './frame.ts'
import type { ColumnSource, ScanPiece } from './scan-job.ts'

/** What decodes row groups some rows at a time. */
export interface PlacingParts {
  readonly decoder: Decoder
  /** Absent: the decoder and the frames have no memory in common. */
  readonly rooms?: DecoderRooms
}

/** A row group that was fetched. The buffer stays until the last frame. */
export interface RowsToPlace {
  readonly piece: ScanPiece
  readonly plan: RowGroupPlan
  readonly buffer: Uint8Array
  readonly fields: readonly Field[]
  readonly frames: FrameLimits
}

/** A frame to come. */
export interface NextFrame {
  readonly rowCount: number
  /** Memory it needs. */
  readonly totalBytes: number
  /** At the end of it: room for columns on their way to another type. */
  readonly castBytes: number
}

/** A frame that lies where it is sent from. */
export interface PlacedFrame {
  /** A part of the memory that was given for it. */
  readonly message: Uint8Array
  readonly rowCount: number
  readonly bodyBytes: number
}

/** A row group that gives less than this share of a frame shares one with others, which takes a copy. */
const SHARE_OF_FRAME_MIN = 0.5

/** Frames of a row group have the same number of rows, but for the last: whole bytes of bitmaps. */
const ROWS_STEP = 64

/** Rows by which constants are measured. */
const SAMPLE_ROWS = 64

/**
 * A row group whose rows become frames of their own: each column is decoded straight to where it is sent from, so that
 * a value is written once after decompression. What has to change its type, and columns that no file has, are put
 * between them.
 */
export class PlacedFrames {
  readonly #rows: RowsToPlace
  readonly #decoder: Decoder
  readonly #rooms: DecoderRooms
  readonly #prefixBytes: number
  #open: { readonly reader: RowReader; readonly room: DecoderRoom } | undefined
  #nextRow = 0
  /** Below 1 while text turns out longer than it was taken for. */
  #share = 1

  /**
   * Undefined when the row group has to be decoded whole.
   *
   * @throws {GatewayError} as `Decoder.open`.
   */
  static open(rows: RowsToPlace, { decoder, rooms }: PlacingParts): PlacedFrames | undefined {
    const { piece, plan, frames } = rows
    const isSmall = plan.decodedBytesEstimate < frames.bodyBytesTarget * SHARE_OF_FRAME_MIN
    if (rooms === undefined || decoder.open === undefined || isSmall) return undefined
    const isPicked = piece.filter !== undefined || plan.selection !== undefined
    if (isPicked || frames.text !== undefined || frames.dictionaries !== undefined) return undefined
    const indexes = piece.columns.flatMap((source) => indexOf(source) ?? [])
    if (new Set(indexes).size < indexes.length) return undefined
    const placed = new PlacedFrames(rows, decoder, rooms)
    return placed.#openRows() ? placed : undefined
  }

  private constructor(rows: RowsToPlace, decoder: Decoder, rooms: DecoderRooms) {
    this.#rows = rows
    this.#decoder = decoder
    this.#rooms = rooms
    const types = rows.fields.map(({ type }) => type)
    const columns = types.map((type) => constantColumn(type, 1, null))
    const { nodes, buffers } = planBatch(types, [{ columns, start: 0, count: 1 }])
    this.#prefixBytes = flightPrefixBytesMax(nodes.length, buffers.length)
  }

  /** What it takes as long as it is open: what was fetched and the pages that are decompressed. Frames are beside it. */
  get heldBytes(): number {
    return this.#rows.buffer.length + (this.#open?.room.bytes?.length ?? 0)
  }

  get rowsLeft(): number {
    return this.#rows.piece.rowCount - this.#nextRow
  }

  /** The next frame, of so many rows at most. */
  next(rowsMax: number): NextFrame {
    const { frames } = this.#rows
    const fitting = this.#fittingRows(Math.min(this.rowsLeft, rowsMax))
    const rowCount = Math.max(1, Math.floor(this.#share * fitting))
    const bodyBytesMax = alignedDown(frames.bodyBytesMax)
    // A row that did not fit alone may take all that a frame may have.
    const isLast = rowCount === 1 && this.#share < 1
    const bodyBytes = isLast ? bodyBytesMax : Math.min(this.#estimate(rowCount), bodyBytesMax)
    const castBytes = this.#castBytes(rowCount)
    return { rowCount, totalBytes: this.#prefixBytes + aligned(bodyBytes) + castBytes, castBytes }
  }

  /**
   * Writes the frame; undefined when its text is longer than it was taken for: then the next one is smaller.
   *
   * @param memory `totalBytes` of memory shared with the decoder
   * @throws {GatewayError} as `Decoder.decode` and casts; `too_large` a row passes the limit.
   */
  write(frame: NextFrame, memory: Uint8Array): PlacedFrame | undefined {
    const { rowCount } = frame
    try {
      const placed = this.#writeColumns(frame, memory)
      this.#nextRow += rowCount
      this.#share = 1
      return placed
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'too_large')) throw error
      if (rowCount === 1 && this.#share < 1) throw this.#rowTooLarge()
      this.#share /= 2
      this.#seek()
      return undefined
    }
  }

  /** May be called twice. */
  release(): void {
    this.#open?.room.release()
    this.#open = undefined
  }

  #openRows(): boolean {
    const { plan, buffer } = this.#rows
    let room: DecoderRoom | undefined
    const takeRoom = (lengthBytes: number) => {
      room = this.#rooms.take(lengthBytes)
      return room?.bytes
    }
    try {
      const reader = this.#decoder.open?.(plan, buffer, takeRoom)
      if (reader === undefined || room === undefined) return false
      this.#open = { reader, room }
      return true
    } finally {
      if (this.#open === undefined) room?.release()
    }
  }

  /** The reader where it stopped, also when its room was given to somebody else meanwhile. */
  #reader(): RowReader {
    if (this.#open?.room.bytes === undefined) {
      this.#open = undefined
      const isOpen = this.#openRows()
      assert(isOpen, 'a row group that could be opened before')
      this.#seek()
    }
    assert(this.#open)
    return this.#open.reader
  }

  #seek(): void {
    for (const column of this.#open?.reader.columns ?? []) column.seek(this.#nextRow)
  }

  /** Frames of about the same size, none above the target: Athena takes no block that is larger than it said. */
  #fittingRows(rowsLeft: number): number {
    const { bodyBytesTarget, rowsMax } = this.#rows.frames
    const bytesMax = alignedDown(bodyBytesTarget)
    const frameCount = Math.ceil(this.#estimate(rowsLeft) / bytesMax)
    const evenly = Math.ceil(rowsLeft / frameCount / ROWS_STEP) * ROWS_STEP
    let rowCount = Math.min(evenly, rowsLeft, rowsMax)
    for (;;) {
      const bytes = this.#estimate(rowCount)
      if (rowCount <= 1 || bytes <= bytesMax) return rowCount
      const fewer = Math.max(1, Math.floor((rowCount * bytesMax) / bytes))
      rowCount = fewer < ROWS_STEP ? fewer : fewer - (fewer % ROWS_STEP)
    }
  }

  #estimate(rowCount: number): number {
    const { columns } = this.#reader()
    return this.#rows.piece.columns.reduce((sum, source, i) => {
      const reader = source.kind === 'decoded' ? columns[source.index] : undefined
      if (reader !== undefined) return sum + reader.estimateBytes(rowCount)
      const { type } = this.#rows.fields[i] ?? assert.fail('a column without a field')
      const sample = constantOf(source, type, SAMPLE_ROWS)
      const bytes = measureRows([sample], 0, SAMPLE_ROWS) * Math.ceil(rowCount / SAMPLE_ROWS)
      return sum + bytes + paddingBytesMax([type])
    }, 0)
  }

  #castBytes(rowCount: number): number {
    const { columns } = this.#reader()
    return this.#rows.piece.columns.reduce((most, source, i) => {
      const reader = columns[indexOf(source) ?? -1]
      const type = this.#rows.fields[i]?.type
      if (reader === undefined || type === undefined || sameType(reader.type, type)) return most
      return Math.max(most, aligned(reader.estimateBytes(rowCount)))
    }, 0)
  }

  #writeColumns({ rowCount, castBytes }: NextFrame, memory: Uint8Array): PlacedFrame {
    const { fields, piece, frames } = this.#rows
    const castAt = memory.length - castBytes
    const bodyAt = this.#prefixBytes
    const end = Math.min(castAt, bodyAt + alignedDown(frames.bodyBytesMax))
    const body = new BodyWriter(memory.subarray(bodyAt, end))
    const { columns } = this.#reader()
    fields.forEach(({ name, type }, i) => {
      const source = piece.columns[i] ?? assert.fail('a field without a source')
      if (source.kind === 'constant') return body.write(constantOf(source, type, rowCount))
      const reader = columns[source.index] ?? assert.fail('a column that is not open')
      if (sameType(reader.type, type)) {
        const read = reader.read(rowCount, body.rest)
        return body.add(read.column, read.lengthBytes)
      }
      const { column } = reader.read(rowCount, memory.subarray(castAt))
      return body.write(inColumn(piece, name, () => castColumn(column, type)))
    })
    const { nodes, buffers, bodyBytes } = body
    const message = writeFlightPrefix({ rowCount, nodes, buffers, bodyBytes }, memory, bodyAt)
    return { message, rowCount, bodyBytes }
  }

  #rowTooLarge(): GatewayError {
    const { piece, frames } = this.#rows
    return new GatewayError(
      'too_large',
      `${piece.source} has a row of more bytes than a block may have, ${frames.bodyBytesMax}; select fewer columns`,
    )
  }
}

/** The body of a record batch as it is filled, column after column. */
class BodyWriter {
  readonly nodes: FieldNode[] = []
  readonly buffers: BufferSpan[] = []
  /** So far; a multiple of 64. */
  bodyBytes = 0
  readonly #body: Uint8Array

  constructor(body: Uint8Array) {
    this.#body = body
  }

  /** Where the next column goes. */
  get rest(): Uint8Array {
    return this.#body.subarray(this.bodyBytes)
  }

  /** Takes in a column that was decoded to the beginning of `rest`. */
  add(column: Column, lengthBytes: number): void {
    this.#addParts(column, this.bodyBytes)
    this.bodyBytes += lengthBytes
  }

  #addParts(column: Column, start: number): void {
    const { rowCount, nullCount, validity, offsets, values, children } = column
    const span = (bytes: Uint8Array): BufferSpan => ({
      offset: bytes.byteOffset - this.#body.byteOffset,
      lengthBytes: bytes.length,
    })
    this.nodes.push({ rowCount, nullCount })
    this.buffers.push(validity === null ? { offset: start, lengthBytes: 0 } : span(validity))
    if (offsets !== null) this.buffers.push(span(offsets))
    if (values !== null) this.buffers.push(span(values))
    for (const child of children) this.#addParts(child, start)
  }

  /** Writes a column of any kind that lies elsewhere. */
  write(column: Column): void {
    const { type, rowCount: count } = column
    const plan = planBatch([type], [{ columns: [column], start: 0, count }])
    const start = this.bodyBytes
    // A batch of no buffers has some bytes all the same, for lack of others.
    const lengthBytes = plan.buffers.length === 0 ? 0 : plan.bodyBytes
    if (start + lengthBytes > this.#body.length) {
      throw new GatewayError('too_large', 'a column passes the memory of its frame')
    }
    if (lengthBytes > 0) plan.writeBody(this.#body.subarray(start, start + lengthBytes))
    this.nodes.push(...plan.nodes)
    for (const { offset, lengthBytes: length } of plan.buffers) {
      this.buffers.push({ offset: start + offset, lengthBytes: length })
    }
    this.bodyBytes += lengthBytes
  }
}

function indexOf(source: ColumnSource): number | undefined {
  return source.kind === 'decoded' ? source.index : undefined
}

function constantOf(source: ColumnSource, type: Field['type'], rowCount: number): Column {
  assert(source.kind === 'constant')
  return constantColumn(type, rowCount, source.value)
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / BUFFER_ALIGNMENT_BYTES) * BUFFER_ALIGNMENT_BYTES
}

function alignedDown(bytes: number): number {
  return Math.floor(bytes / BUFFER_ALIGNMENT_BYTES) * BUFFER_ALIGNMENT_BYTES
}
