import assert from 'node:assert'

/** WebAssembly core specification, "Modules": magic and version, section 5 is the memory, its unit a page. */
const HEADER_BYTES = 8
const MEMORY_SECTION = 5
const PAGE_BYTES = 65_536
/** Flags of the limits: with a maximum, not shared. */
const WITH_MAXIMUM = 1

/**
 * The module with its own memory limited: `memory.grow` then fails at the limit, whatever the code does. Toolchains
 * leave the maximum out, which means 4 GiB.
 */
export function limitMemory(module: Uint8Array, bytesMax: number): Uint8Array<ArrayBuffer> {
  for (let position = HEADER_BYTES; position < module.length;) {
    const start = position
    const id = module[start]
    const size = readVarint(module, start + 1)
    const end = size.end + size.value
    if (id === MEMORY_SECTION) {
      assert(module[size.end] === 1, 'the module has one memory')
      const minimum = readVarint(module, size.end + 2)
      const limits = [
        1,
        WITH_MAXIMUM,
        ...varint(minimum.value),
        ...varint(Math.floor(bytesMax / PAGE_BYTES)),
      ]
      const section = [MEMORY_SECTION, ...varint(limits.length), ...limits]
      return concatenate([
        module.subarray(0, start),
        Uint8Array.from(section),
        module.subarray(end),
      ])
    }
    position = end
  }
  return assert.fail('the module has no memory of its own')
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0
  for (let position = start, unit = 1; ; position++, unit *= 128) {
    const byte = bytes[position]
    assert(byte !== undefined, 'the module ends early')
    value += (byte & 127) * unit
    if (byte < 128) return { value, end: position + 1 }
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
