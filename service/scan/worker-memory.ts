import { DECODER_MEMORY_BYTES_MAX } from '../decode/budgets.ts'
import { createKernelMemory, type KernelMemory, PAGE_BYTES } from '../decode/kernel-module.ts'
import type { MemoryPlace } from './memory-units.ts'
import type { ScanLimits } from './scan-limits.ts'

/**
 * One piece of memory that a worker shares with the main thread and in which the kernels work: what is read is decoded
 * where it lies, to where it is sent from. Only what is used is ever occupied.
 */
export interface WorkerMemory {
  readonly memory: KernelMemory
  /** Frames, and nothing else: the main thread sends from here. */
  readonly frames: MemoryPlace
  /** What was fetched. */
  readonly buffers: MemoryPlace
  /** Pages of open row groups. */
  readonly rooms: MemoryPlace
  /** Row groups that are decoded whole. */
  readonly whole: MemoryPlace
}

type MemoryLimits = Pick<ScanLimits, 'memoryBytes' | 'bufferBytesKept' | 'roomBytes'>

/** Lays out a memory; frames, buffers and rooms are there at once, so that views of them last. */
export function createWorkerMemory(limits: MemoryLimits): WorkerMemory {
  const memory = createKernelMemory(DECODER_MEMORY_BYTES_MAX)
  // The first page stays unused: address 0 means "none".
  let end = PAGE_BYTES
  const place = (lengthBytes: number): MemoryPlace => {
    const start = end
    end += Math.ceil(lengthBytes / PAGE_BYTES) * PAGE_BYTES
    return { start, end }
  }
  const frames = place(limits.memoryBytes)
  const buffers = place(limits.bufferBytesKept)
  const rooms = place(limits.roomBytes)
  memory.grow(Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES))
  return { memory, frames, buffers, rooms, whole: { start: end, end: DECODER_MEMORY_BYTES_MAX } }
}
