import { type Fail, STOP, ThriftReader } from '../../service/footers/thrift-reader.ts'

/** Numbers of parquet.thrift's `Type` as thrift has them: zigzag. */
const FIXED_LEN_BYTE_ARRAY = 7 << 1
const INT96 = 3 << 1

const fail: Fail = (what) => {
  throw new Error(what)
}

/**
 * Makes top-level columns of 12 bytes a value into INT96, which no writer at hand writes: the values take the same
 * bytes. Statistics stay as they are, in the order of bytes, which for INT96 means nothing.
 */
export function asInt96(file: Uint8Array, names: readonly string[]): Uint8Array {
  const bytes = Uint8Array.from(file)
  const length = new DataView(bytes.buffer).getUint32(bytes.length - 8, true)
  const footer = bytes.subarray(bytes.length - 8 - length, bytes.length - 8)
  const change = (place: number): void => {
    if (footer[place] !== FIXED_LEN_BYTE_ARRAY) fail(`byte ${place} is no type of 12 bytes`)
    footer[place] = INT96
  }
  const reader = new ThriftReader(footer, 0, fail)
  eachField(reader, (id) => {
    if (id === 2) eachStruct(reader, () => changeType(reader, { nameId: 4, names, change }))
    else if (id === 4) eachStruct(reader, () => changeChunks(reader, { names, change }))
    else reader.skip()
  })
  return bytes
}

interface Change {
  readonly names: readonly string[]
  readonly change: (place: number) => void
}

/** Fields of `RowGroup`. */
function changeChunks(reader: ThriftReader, named: Change): void {
  eachField(reader, (id) => {
    if (id !== 1) return reader.skip()
    eachStruct(reader, () =>
      eachField(reader, (inner) => {
        if (inner !== 3) return reader.skip()
        reader.struct()
        changeType(reader, { ...named, nameId: 3 })
      }),
    )
  })
}

/** Fields of `SchemaElement` or `ColumnMetaData`: the type first, the name or path behind it. */
function changeType(
  reader: ThriftReader,
  { nameId, names, change }: Change & { readonly nameId: number },
): void {
  let place = -1
  eachField(reader, (id) => {
    if (id === 1) {
      place = reader.position
      reader.integer()
    } else if (id === nameId) {
      const path = nameId === 4 ? [reader.text()] : textsOf(reader)
      if (place >= 0 && path.length === 1 && names.includes(path[0] ?? '')) change(place)
    } else reader.skip()
  })
}

function textsOf(reader: ThriftReader): string[] {
  return Array.from({ length: reader.elements() }, () => reader.text())
}

function eachField(reader: ThriftReader, read: (id: number) => void): void {
  for (let id = reader.field(0); id !== STOP; id = reader.field(id)) read(id)
}

function eachStruct(reader: ThriftReader, read: () => void): void {
  for (let left = reader.structs(); left > 0; left--) read()
}
