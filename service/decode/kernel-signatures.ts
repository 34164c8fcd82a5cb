/**
 * The kernels, see kernels/decode.ts. Arguments are addresses, counts or flags, ends exclusive; results are
 * counts or lengths, negative ones are faults (kernel-faults.ts).
 */
export interface Kernels {
  snappy(src: number, end: number, out: number, outEnd: number): number
  lz4(src: number, end: number, out: number, outEnd: number): number
  appendBits(
    from: number,
    fromEnd: number,
    fromBit: number,
    count: number,
    to: number,
    toBit: number,
    toEnd: number,
  ): number
  countBits(bits: number, end: number, first: number, count: number): number
  spreadBits(
    from: number,
    fromEnd: number,
    fromBit: number,
    validity: number,
    validityEnd: number,
    first: number,
    count: number,
    to: number,
    toEnd: number,
  ): number
  readBits(
    src: number,
    end: number,
    count: number,
    to: number,
    toBit: number,
    toEnd: number,
  ): number
  readIndices(state: number, count: number, limit: number, out: number, outEnd: number): number
  startIndices(state: number, src: number, end: number): number
  readLevels(
    src: number,
    end: number,
    count: number,
    most: number,
    out: number,
    outEnd: number,
  ): number
  checkRepeats(
    repetitions: number,
    definitions: number,
    count: number,
    level: number,
    element: number,
    before: number,
  ): number
  countSlots(
    repetitions: number,
    definitions: number,
    count: number,
    repetition: number,
    definition: number,
  ): number
  rowsEnd(repetitions: number, count: number, rows: number): number
  slotBits(
    repetitions: number,
    definitions: number,
    count: number,
    repetition: number,
    definition: number,
    present: number,
    to: number,
    toBit: number,
    toEnd: number,
  ): number
  listOffsets(
    repetitions: number,
    definitions: number,
    count: number,
    repetition: number,
    definition: number,
    element: number,
    offsets: number,
    first: number,
    offsetsEnd: number,
  ): number
  gatherFixed(
    indices: number,
    count: number,
    dictionary: number,
    width: number,
    out: number,
    outEnd: number,
  ): number
  byteTable(src: number, end: number, count: number, table: number, tableEnd: number): number
  gatherBytes(
    indices: number,
    count: number,
    table: number,
    longest: number,
    dictionaryEnd: number,
    offsets: number,
    offsetsEnd: number,
    data: number,
    at: number,
    dataEnd: number,
  ): number
  skipBytes(src: number, end: number, count: number): number
  gatherBytesLength(indices: number, count: number, table: number): number
  plainBytes(
    src: number,
    end: number,
    count: number,
    offsets: number,
    offsetsEnd: number,
    data: number,
    at: number,
    dataEnd: number,
  ): number
  deltaBytes(
    room: number,
    count: number,
    end: number,
    offsets: number,
    offsetsEnd: number,
    data: number,
    at: number,
    dataEnd: number,
  ): number
  deltaBytesLength(src: number, end: number, count: number, room: number, roomEnd: number): number
  deltaIntegers(
    src: number,
    end: number,
    count: number,
    width: number,
    out: number,
    outEnd: number,
  ): number
  deltaLengthBytes(
    src: number,
    end: number,
    count: number,
    offsets: number,
    offsetsEnd: number,
    data: number,
    at: number,
    dataEnd: number,
  ): number
  joinStreams(
    src: number,
    end: number,
    count: number,
    width: number,
    out: number,
    outEnd: number,
  ): number
  evenSlices(offsets: number, count: number, width: number): number
  int96(src: number, end: number, count: number, out: number, outEnd: number): number
  narrow(
    src: number,
    end: number,
    count: number,
    width: number,
    signed: number,
    out: number,
    outEnd: number,
  ): number
  plainFixed(
    src: number,
    end: number,
    count: number,
    width: number,
    out: number,
    outEnd: number,
  ): number
  reverseBytes(
    src: number,
    end: number,
    count: number,
    out: number,
    outWidth: number,
    outEnd: number,
  ): number
  reverseFixed(
    src: number,
    end: number,
    count: number,
    width: number,
    out: number,
    outWidth: number,
    outEnd: number,
  ): number
  reverseSlices(
    offsets: number,
    count: number,
    data: number,
    out: number,
    outWidth: number,
    outEnd: number,
  ): number
  widen(
    src: number,
    end: number,
    count: number,
    width: number,
    out: number,
    outWidth: number,
    outEnd: number,
  ): number
  scatterFixed(
    values: number,
    valuesEnd: number,
    width: number,
    validity: number,
    validityEnd: number,
    first: number,
    rows: number,
    present: number,
  ): number
  scatterOffsets(
    offsets: number,
    offsetsEnd: number,
    validity: number,
    validityEnd: number,
    first: number,
    rows: number,
    present: number,
  ): number
  widenOffsets(offsets: number, count: number, offsetsEnd: number): number
  checkUtf8(data: number, offsets: number, count: number): number
  checkUtf8Table(table: number, count: number): number
}
