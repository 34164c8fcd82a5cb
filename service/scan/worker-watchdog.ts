import type { ScanPiece } from './scan-job.ts'

/** A small row group takes milliseconds; this much is left to a machine that is short of processors… */
const DECODE_MS = 7_000

/** …and this is slower than any codec decompresses, by a factor of ten. */
const DECODE_BYTES_PER_MS = 20_000

/** How often workers are looked at. */
export const WATCH_INTERVAL_MS = 250

/** What takes longer to decode than this, in milliseconds, is taken for a hang. */
export function decodeMsMax({ plan }: ScanPiece): number {
  const bytes = plan === undefined ? 0 : plan.bufferBytes + plan.decodedBytesEstimate
  return DECODE_MS + bytes / DECODE_BYTES_PER_MS
}

/** Since when a worker has been decoding what it decodes, as seen from outside. */
export class DecodeWatch {
  readonly #decoding: Int32Array
  #beginCount = 0
  #sinceMs = 0

  /** @param decoding as in `WorkerStart` */
  constructor(decoding: SharedArrayBuffer) {
    this.#decoding = new Int32Array(decoding)
  }

  /** The scan whose row group is being decoded. */
  get scanId(): number | undefined {
    const scanId = Atomics.load(this.#decoding, 0)
    return scanId === 0 ? undefined : scanId
  }

  /** The number of that row group, or of the last one. */
  get number(): number {
    return Atomics.load(this.#decoding, 1)
  }

  /** For how long at least the same row group has been decoded, to be asked at every interval. */
  lastingMs(nowMs: number): number {
    const beginCount = Atomics.load(this.#decoding, 2)
    if (this.scanId === undefined || beginCount !== this.#beginCount) {
      this.#beginCount = beginCount
      this.#sinceMs = nowMs
    }
    return nowMs - this.#sinceMs
  }
}
