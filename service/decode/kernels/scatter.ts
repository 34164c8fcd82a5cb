// Moves values that lie one after the other to the rows that are present; null rows become 0. From the last row to
// the first, in place: a value never moves over one that is still to be moved.

import { bytesOfBits } from './bits'
import { INPUT_ENDS, OUTPUT_ENDS } from './fault'

function scatter<T>(values: usize, validity: usize, first: u32, rows: u32, present: u32): void {
  let from: i32 = <i32>present - 1
  let row: i32 = <i32>rows - 1
  const none = isVector<T>() ? i64x2.splat(0) : <T>0
  // Where both meet, all rows below are present and in place.
  while (row > from && from >= 0) {
    const bit = first + <u32>row
    const byte = <u32>load<u8>(validity + (bit >>> 3))
    // Few rows are null, as a rule: then most bytes of the bitmap are full, and eight values move at once.
    if ((bit & 7) == 7 && from >= 7) {
      if (byte == 0xff) {
        moveEight<T>(values + <usize>row * sizeof<T>(), values + <usize>from * sizeof<T>())
        from -= 8
      } else from = spreadEight<T>(values, row, from, byte, none)
      row -= 8
      continue
    }
    const isPresent = (byte >>> (bit & 7)) & 1
    const value = load<T>(values + <usize>from * sizeof<T>())
    store<T>(values + <usize>row * sizeof<T>(), isPresent ? value : none)
    from -= <i32>isPresent
    row--
  }
  if (row > from) memory.fill(values, 0, <usize>(row + 1) * sizeof<T>())
}

/** Moves eight values, the last of which are given, to a higher place: from the last bytes to the first. */
function moveEight<T>(lastTo: usize, lastFrom: usize): void {
  const to = lastTo - 7 * sizeof<T>()
  const from = lastFrom - 7 * sizeof<T>()
  if (sizeof<T>() == 1) {
    store<u64>(to, load<u64>(from))
    return
  }
  for (let at: usize = 8 * sizeof<T>(); at != 0; at -= 16)
    v128.store(to + at - 16, v128.load(from + at - 16))
}

/** The same with nulls between them, without a branch per row; answers the value before. */
function spreadEight<T>(values: usize, lastRow: i32, lastFrom: i32, valid: u32, none: T): i32 {
  let from = lastFrom
  const to = values + <usize>(lastRow - 7) * sizeof<T>()
  for (let i: i32 = 7; i >= 0; i--) {
    const isPresent = (valid >>> i) & 1
    const value = load<T>(values + <usize>from * sizeof<T>())
    store<T>(to + <usize>i * sizeof<T>(), isPresent ? value : none)
    from -= <i32>isPresent
  }
  return from
}

function scatterWide(
  values: usize,
  width: u32,
  validity: usize,
  first: u32,
  rows: u32,
  present: u32,
): void {
  let from: i32 = <i32>present - 1
  for (let row: i32 = <i32>rows - 1; row > from; row--) {
    const bit = first + <u32>row
    const isPresent = (<u32>load<u8>(validity + (bit >>> 3)) >>> (bit & 7)) & 1
    const to = values + <usize>row * width
    if (isPresent && from >= 0) {
      memory.copy(to, values + <usize>from * width, width)
      from--
    } else memory.fill(to, 0, width)
  }
}

/** `rows` rows from bit `first` of the bitmap on; `values` holds `present` values and has room for all rows. */
export function scatterFixed(
  values: usize,
  valuesEnd: usize,
  width: u32,
  validity: usize,
  validityEnd: usize,
  first: u32,
  rows: u32,
  present: u32,
): i32 {
  if (bytesOfBits(first + rows) > validityEnd - validity) return INPUT_ENDS
  if (<u64>rows * width > valuesEnd - values) return OUTPUT_ENDS
  if (width == 8) scatter<u64>(values, validity, first, rows, present)
  else if (width == 4) scatter<u32>(values, validity, first, rows, present)
  else if (width == 16) scatter<v128>(values, validity, first, rows, present)
  else if (width == 2) scatter<u16>(values, validity, first, rows, present)
  else if (width == 1) scatter<u8>(values, validity, first, rows, present)
  else scatterWide(values, width, validity, first, rows, present)
  return <i32>rows
}

/** Spreads `present + 1` offsets to `rows + 1`: a null row is empty. */
export function scatterOffsets(
  offsets: usize,
  offsetsEnd: usize,
  validity: usize,
  validityEnd: usize,
  first: u32,
  rows: u32,
  present: u32,
): i32 {
  if (bytesOfBits(first + rows) > validityEnd - validity) return INPUT_ENDS
  if ((<u64>rows + 1) << 2 > offsetsEnd - offsets) return OUTPUT_ENDS
  let from: i32 = <i32>present
  let row: i32 = <i32>rows
  while (row > from) {
    const bit = first + <u32>row - 1
    const byte = <u32>load<u8>(validity + (bit >>> 3))
    if ((bit & 7) == 7 && from >= 8) {
      if (byte == 0xff) {
        moveEight<u32>(offsets + ((<usize>row) << 2), offsets + ((<usize>from) << 2))
        from -= 8
      } else from = spreadOffsets(offsets, row, from, byte)
      row -= 8
      continue
    }
    store<u32>(offsets + ((<usize>row) << 2), load<u32>(offsets + ((<usize>from) << 2)))
    from -= <i32>((byte >>> (bit & 7)) & 1 & <u32>(from > 0))
    row--
  }
  return <i32>rows
}

/** As spreadEight: a null row ends where the one before it does. */
function spreadOffsets(offsets: usize, lastRow: i32, lastFrom: i32, valid: u32): i32 {
  let from = lastFrom
  const to = offsets + ((<usize>lastRow - 7) << 2)
  for (let i: i32 = 7; i >= 0; i--) {
    store<u32>(to + ((<usize>i) << 2), load<u32>(offsets + ((<usize>from) << 2)))
    from -= <i32>((valid >>> i) & 1)
  }
  return from
}

/** Makes `count` offsets of 32 bits 64 bits wide, in place, from the last to the first. */
export function widenOffsets(offsets: usize, count: u32, offsetsEnd: usize): i32 {
  if ((<u64>count) << 3 > offsetsEnd - offsets) return OUTPUT_ENDS
  for (let i: i32 = <i32>count - 1; i >= 0; i--)
    store<u64>(offsets + ((<usize>i) << 3), <u64>load<u32>(offsets + ((<usize>i) << 2)))
  return <i32>count
}
