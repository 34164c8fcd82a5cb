import { createCipheriv } from 'node:crypto'
import { Binary, makeData, makeVector, Utf8, Vector } from 'apache-arrow'
import { writeParquet } from './write-parquet.ts'

export interface LargeFileOptions {
  /** The bytes of two files with the same seed are the same. */
  readonly seed: number
  readonly rowCount: number
  readonly rowsPerGroup: number
}

/** A Parquet file that hardly compresses: what it holds is what the store, the wire and the gateway must move. */
export interface LargeFile {
  readonly bytes: Buffer
  readonly rowCount: number
  /** The sum of `rowSum` over the rows, for a copy of the file with this number. */
  checksum(copy: number): number
}

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
export const labelBytes = 48
export const payloadBytes = 128

/** `id` from 0, `noise` and `ratio` of 32 random bits, a `label` of random letters, a random `payload`. */
export function largeFile({ seed, rowCount, rowsPerGroup }: LargeFileOptions): LargeFile {
  const random = randomBytes(seed)
  const noise = new Int32Array(new Uint8Array(random(rowCount * 4)).buffer)
  const letters = random(rowCount * labelBytes).map((byte) => ALPHABET[byte & 63] ?? 0)
  const bytes = writeParquet(
    [
      ['id', makeVector(Int32Array.from({ length: rowCount }, (_, row) => row))],
      ['noise', makeVector(noise)],
      ['ratio', makeVector(Float64Array.from(noise, (value) => value / 2 ** 31))],
      ['label', texts(letters, rowCount)],
      ['payload', binaries(random(rowCount * payloadBytes), rowCount)],
    ],
    { rowsPerGroup },
  )
  return {
    bytes,
    rowCount,
    checksum: (copy) =>
      noise.reduce((sum, value, id) => addRow(sum, { copy, id, noise: value }), 0),
  }
}

/** Adds a row to a checksum of 32 bits: it changes when a row is lost, doubled, or gets another row's values. */
export function addRow(
  sum: number,
  { copy, id, noise }: { readonly copy: number; readonly id: number; readonly noise: number },
): number {
  return (sum + Math.imul(noise ^ Math.imul(id, 0x9e3779b1), 2 * copy + 1)) | 0
}

function texts(data: Uint8Array, length: number): Vector<Utf8> {
  const valueOffsets = offsets(length, labelBytes)
  return new Vector([makeData({ type: new Utf8(), length, data, valueOffsets })])
}

function binaries(data: Uint8Array, length: number): Vector<Binary> {
  const valueOffsets = offsets(length, payloadBytes)
  return new Vector([makeData({ type: new Binary(), length, data, valueOffsets })])
}

function offsets(length: number, width: number): Int32Array {
  return Int32Array.from({ length: length + 1 }, (_, row) => row * width)
}

/** A stream of bytes that no codec makes smaller: AES in counter mode over zeros. */
function randomBytes(seed: number): (length: number) => Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  return (length) => cipher.update(Buffer.alloc(length))
}
