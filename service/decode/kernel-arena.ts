import { GatewayError } from '../errors.ts'
import { type KernelMemory, PAGE_BYTES } from './kernel-module.ts'

/** Buffers begin at multiples of this, as Arrow recommends (Columnar.rst, "Buffer Alignment and Padding"). */
export const ALIGNMENT_BYTES = 64

/** Memory grows in steps of this size: a call into the engine each. */
const GROW_BYTES = 4 * 1024 * 1024

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
}

/**
 * A stretch of the kernels' memory that is handed out from its start on, and taken back all at once. What it hands
 * out holds whatever lay there before.
 */
export interface Arena {
  /** The first free address, a multiple of ALIGNMENT_BYTES behind `take`. */
  readonly top: number
  /** Where it ends. */
  readonly limit: number
  /** Frees everything; from now on the arena covers `start` to `end`, and errors name `source`. */
  reset(start: number, end: number, source: string): void
  /** @throws {GatewayError} `too_large` past the arena's end or the memory's maximum. */
  take(bytes: number): number
  /** Moves the top to `end`, so that what was taken last grows. @throws as `take`. */
  growTo(end: number): void
}

/** @param onGrow told when the memory has a new, longer buffer */
export function createArena(memory: KernelMemory, onGrow: () => void = () => {}): Arena {
  let top = 0
  let limit = 0
  let name = ''
  // Asking the memory for its buffer is a call into the engine: as long as an end lies in what is known it is spared.
  let knownEnd = 0
  const reachEnd = (end: number): boolean => {
    if (end <= knownEnd) return true
    if (!reach(memory, end)) return false
    knownEnd = memory.buffer.byteLength
    onGrow()
    return true
  }
  const growTo = (end: number): void => {
    if (end > limit || !reachEnd(end)) {
      throw new GatewayError(
        'too_large',
        `${name} needs more memory than a decoder may use: read fewer columns or write smaller row groups`,
      )
    }
    top = end
  }
  return {
    get top() {
      return top
    },
    get limit() {
      return limit
    },
    reset: (start, end, source) => {
      top = start
      limit = end
      name = source
    },
    take: (bytes) => {
      const start = aligned(top)
      growTo(start + bytes)
      return start
    },
    growTo,
  }
}

/** Whether the memory is, or can be made, as long as `end`. */
function reach(memory: KernelMemory, end: number): boolean {
  const lacking = end - memory.buffer.byteLength
  if (lacking <= 0) return true
  return grow(memory, Math.max(lacking, GROW_BYTES)) || grow(memory, lacking)
}

function grow(memory: KernelMemory, bytes: number): boolean {
  try {
    memory.grow(Math.ceil(bytes / PAGE_BYTES))
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
