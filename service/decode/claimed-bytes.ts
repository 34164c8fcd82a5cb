import type { Codec } from '../footers/footer.ts'

/** RFC 1952: ten bytes of header, eight of trailer, the last four the size of the member modulo 2^32. */
const GZIP_BYTES_MIN = 18

/** RFC 8878, section 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528
/** Bytes of the field `Frame_Content_Size` by its flag; with flag 0 it is there only in a single segment. */
const zstdSizeBytes = [1, 2, 4, 8] as const
const zstdDictionaryBytes = [0, 1, 2, 4] as const

/**
 * How many bytes compressed data says it holds. Undefined when the codec does not say (brotli, lz4, zstd written
 * as a stream) or the data is too short to. A lower bound only for gzip of several members.
 */
export function claimedBytes(codec: Codec, bytes: Uint8Array): number | undefined {
  switch (codec) {
    case 'uncompressed':
      return bytes.length
    case 'snappy':
      return snappyBytes(bytes)
    case 'gzip':
      return bytes.length < GZIP_BYTES_MIN
        ? undefined
        : viewOf(bytes).getUint32(bytes.length - 4, true)
    case 'zstd':
      return zstdBytes(bytes)
    default:
      return undefined
  }
}

/** Snappy's format_description.txt: the size comes first, as a varint. */
function snappyBytes(bytes: Uint8Array): number | undefined {
  let size = 0
  let unit = 1
  for (const byte of bytes.subarray(0, 5)) {
    size += (byte & 127) * unit
    if (byte < 128) return size
    unit *= 128
  }
  return undefined
}

function zstdBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < 6) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(0, true) !== ZSTD_MAGIC) return undefined
  const descriptor = view.getUint8(4)
  const flag = descriptor >> 6
  const isSingleSegment = (descriptor & 0x20) !== 0
  if (flag === 0 && !isSingleSegment) return undefined
  const at = 5 + Number(!isSingleSegment) + (zstdDictionaryBytes[descriptor & 3] ?? 0)
  if (bytes.length < at + (zstdSizeBytes[flag] ?? 0)) return undefined
  switch (flag) {
    case 0:
      return view.getUint8(at)
    case 1:
      return view.getUint16(at, true) + 256
    case 2:
      return view.getUint32(at, true)
    default:
      return Number(view.getBigUint64(at, true))
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
