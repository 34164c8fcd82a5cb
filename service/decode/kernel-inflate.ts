import zlib from 'node:zlib'

import { GatewayError } from '../errors.ts'
import type { Codec } from '../footers/footer.ts'
import type { Fail } from '../footers/thrift-reader.ts'
import { describeFault } from './kernel-faults.ts'
import type { Kernels } from './kernel-signatures.ts'

/** From zlib's options: the most that comes out, and how much room is made at once. */
interface InflateOptions {
  readonly maxOutputLength: number
  readonly chunkSize: number
}
type Inflate = (bytes: Uint8Array, options: InflateOptions) => Uint8Array

/** Node has zstd from 22.15 on; the types here are those of Node 20. */
const zstd = (zlib as { zstdDecompressSync?: Inflate }).zstdDecompressSync

/** Codecs of node:zlib. gzip reads all members of a file, as parquet-rs does. */
const libraries: Partial<Record<Codec, Inflate>> = {
  gzip: zlib.gunzipSync,
  brotli: zlib.brotliDecompressSync,
  ...(zstd === undefined ? {} : { zstd }),
}

/** zlib refuses smaller rooms. */
const CHUNK_BYTES_MIN = 64

/** Whether pages of the codec can be decompressed here and now. */
export function canInflate(codec: Codec): boolean {
  return codec === 'snappy' || codec === 'lz4_raw' || codec === 'uncompressed' || codec in libraries
}

/** A place in the kernels' memory. */
export interface Place {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/**
 * Fills `to` with what `from` holds compressed, exactly. Both are places of `memory`.
 *
 * @throws what `fail` throws: damaged, or more or fewer bytes than `to` has room for.
 */
export function inflate(
  codec: Codec,
  { from, to }: { readonly from: Place; readonly to: Place },
  { kernels, memory }: { readonly kernels: Kernels; readonly memory: Uint8Array },
  fail: Fail,
): void {
  if (codec === 'snappy' || codec === 'lz4_raw') {
    const length =
      codec === 'snappy'
        ? kernels.snappy(from.start, from.end, to.start, to.end)
        : kernels.lz4(from.start, from.end, to.start, to.end)
    if (length < 0) fail(`its ${codec} data ${describeFault(length)}`)
    return
  }
  const library = libraries[codec]
  if (library === undefined) {
    throw new GatewayError('unsupported', `pages compressed with ${codec} are not supported here`)
  }
  const bytesMax = to.end - to.start
  const bytes = inflateWith(library, memory.subarray(from.start, from.end), bytesMax, (cause) =>
    fail(`its ${codec} data cannot be decompressed to ${bytesMax} bytes: ${cause}`),
  )
  if (bytes.length !== bytesMax) {
    fail(`its ${codec} data holds ${bytes.length} bytes, not ${bytesMax}`)
  }
  memory.set(bytes, to.start)
}

function inflateWith(
  library: Inflate,
  bytes: Uint8Array,
  bytesMax: number,
  fail: Fail,
): Uint8Array {
  try {
    // One room for all: the library then neither grows nor joins buffers.
    const chunkSize = Math.max(CHUNK_BYTES_MIN, bytesMax)
    return library(bytes, { maxOutputLength: bytesMax, chunkSize })
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'unknown failure')
  }
}
