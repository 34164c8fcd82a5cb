import { Buffer } from 'node:buffer'

import { GatewayError } from '../errors.ts'

/** How many more tables a reader may make: offsets may be shared, so bytes alone do not bound them. */
export interface Allowance {
  left: number
}

/**
 * A table of a flatbuffer, every offset checked: the flatbuffers package answers zeros for what lies outside.
 *
 * @throws {GatewayError} `invalid_request` when an offset leads outside the bytes or the allowance is used up.
 */
export class FlatTable {
  readonly #view: DataView
  readonly #position: number
  readonly #vtable: number
  readonly #vtableBytes: number

  private constructor(view: DataView, position: number) {
    this.#view = view
    this.#position = position
    this.#vtable = position - int32(view, position)
    this.#vtableBytes = uint16(view, this.#vtable)
  }

  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new FlatTable(view, uint32(view, 0))
  }

  uint8(slot: number, otherwise: number): number {
    const at = this.#slot(slot)
    return at === 0 ? otherwise : this.#view.getUint8(inside(this.#view, at, 1))
  }

  int16(slot: number, otherwise: number): number {
    const at = this.#slot(slot)
    return at === 0 ? otherwise : this.#view.getInt16(inside(this.#view, at, 2), true)
  }

  int32(slot: number, otherwise: number): number {
    const at = this.#slot(slot)
    return at === 0 ? otherwise : int32(this.#view, at)
  }

  text(slot: number): string | undefined {
    const at = this.#slot(slot)
    if (at === 0) return undefined
    const start = at + uint32(this.#view, at)
    const length = uint32(this.#view, start)
    inside(this.#view, start + 4, length)
    const { buffer, byteOffset } = this.#view
    return Buffer.from(buffer, byteOffset + start + 4, length).toString('utf8')
  }

  table(slot: number): FlatTable | undefined {
    const at = this.#slot(slot)
    return at === 0 ? undefined : new FlatTable(this.#view, at + uint32(this.#view, at))
  }

  /** A vector of tables; empty when absent. */
  tables(slot: number, allowance: Allowance): FlatTable[] {
    const at = this.#slot(slot)
    if (at === 0) return []
    const vector = at + uint32(this.#view, at)
    const count = uint32(this.#view, vector)
    inside(this.#view, vector + 4, count * 4)
    allowance.left -= count
    if (allowance.left < 0) {
      throw new GatewayError(
        'invalid_request',
        'not an arrow schema message: it has too many entries',
      )
    }
    return Array.from({ length: count }, (_, index) => {
      const element = vector + 4 + index * 4
      return new FlatTable(this.#view, element + uint32(this.#view, element))
    })
  }

  /** Where the slot's value lies, 0 when it is absent. */
  #slot(slot: number): number {
    const entry = 4 + slot * 2
    if (entry + 2 > this.#vtableBytes) return 0
    const offset = uint16(this.#view, this.#vtable + entry)
    return offset === 0 ? 0 : this.#position + offset
  }
}

function inside(view: DataView, at: number, length: number): number {
  if (at < 0 || at + length > view.byteLength) {
    throw new GatewayError('invalid_request', 'not an arrow schema message: it points outside')
  }
  return at
}

function uint16(view: DataView, at: number): number {
  return view.getUint16(inside(view, at, 2), true)
}

function uint32(view: DataView, at: number): number {
  return view.getUint32(inside(view, at, 4), true)
}

function int32(view: DataView, at: number): number {
  return view.getInt32(inside(view, at, 4), true)
}
