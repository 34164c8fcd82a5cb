import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Setting zlib up takes 15 µs, a third of what a usual ticket may take: not for a few bytes less. */
const DEFLATED_BYTES_MIN = 512

/** The length as it is and as it stands here: when both are the same, it is not deflated. */
export function writeDeflated(out: ByteWriter, plain: Buffer): void {
  const deflated = plain.length < DEFLATED_BYTES_MIN ? plain : deflateRawSync(plain)
  const shorter = deflated.length < plain.length ? deflated : plain
  out.number(plain.length)
  out.number(shorter.length)
  out.bytes(shorter)
}

/** The bytes of `writeDeflated`; calls `fail`, which throws, when it is something else or longer. */
export function readDeflated(from: ByteReader, bytesMax: number, fail: () => never): Buffer {
  const length = from.number(bytesMax)
  const stored = from.bytes(from.number(length))
  if (stored.length === length) return stored
  try {
    return inflateRawSync(stored, { maxOutputLength: length })
  } catch {
    return fail()
  }
}

export function deflatedReader(from: ByteReader, bytesMax: number, fail: () => never): ByteReader {
  return new ByteReader(readDeflated(from, bytesMax, fail), fail)
}
