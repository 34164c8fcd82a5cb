import t from 'tap'

import {
  createKernelMemory,
  instantiateKernels,
  loadKernels,
} from '../../../service/decode/kernel-module.ts'
import { randomNumbers } from '../../support/columns-random.ts'
import { hybrid } from '../../support/parquet-encodings.ts'

const memory = createKernelMemory(1024 * 1024)
memory.grow(15)
const kernels = instantiateKernels(await loadKernels(), memory)
const bytes = new Uint8Array(memory.buffer)
const STATE = 64
const INPUT = 4096
const OUTPUT = 512 * 1024

t.test('indices are read in pieces of any size, all bits of every width', async (t) => {
  for (let seed = 0; seed < 33 * 12; seed++) {
    const random = randomNumbers(seed)
    const width = seed % 33
    const count = Math.floor(random() * 600)
    const values = Array.from({ length: count }, () =>
      Math.min(Math.floor(random() * 2 ** width), 2 ** 32 - 2),
    )
    const style = (['packed', 'mixed', 'runs'] as const)[seed % 3] ?? 'packed'
    const encoded = Uint8Array.of(width, ...hybrid(values, width, style, random))
    bytes.fill(0xff, INPUT, INPUT + encoded.length + 64)
    bytes.set(encoded, INPUT)
    t.equal(kernels.startIndices(STATE, INPUT, INPUT + encoded.length), width)
    const read: number[] = []
    while (read.length < count) {
      const some = Math.min(count - read.length, 1 + Math.floor(random() * 200))
      const result = kernels.readIndices(STATE, some, 0xffffffff, OUTPUT, OUTPUT + some * 4)
      t.equal(result, some, `seed ${seed}`)
      if (result < 0) break
      read.push(...new Uint32Array(memory.buffer, OUTPUT, some))
    }
    if (read.some((value, index) => value !== values[index])) t.fail(`${seed}: other values`)
  }
})

t.test('an index at the limit is refused, and so is one value too many', async (t) => {
  for (let width = 1; width <= 31; width++) {
    const values = Array.from({ length: 64 }, (_, index) => (index === 37 ? 2 ** width - 1 : 0))
    const encoded = Uint8Array.of(width, ...hybrid(values, width, 'packed', randomNumbers(width)))
    bytes.set(encoded, INPUT)
    const end = INPUT + encoded.length
    const read = (count: number, limit: number): number => {
      kernels.startIndices(STATE, INPUT, end)
      return kernels.readIndices(STATE, count, limit, OUTPUT, OUTPUT + 1024)
    }
    t.equal(read(64, 2 ** width), 64)
    t.equal(read(64, 2 ** width - 1), -4)
    t.equal(read(65, 2 ** width), -1)
    t.equal(read(64, 2 ** width), 64)
    t.equal(kernels.readIndices(STATE, 1, 2 ** width, OUTPUT, OUTPUT + 3), -2)
  }
})
