// The module: what kernel-module.ts calls. Every kernel takes the ends of what it reads and writes, answers a count or
// a length, and a number of fault.ts when the input lies. Nothing is static: the memory is the host's, and may be shared.

export { snappy } from './snappy'
export { lz4 } from './lz4'
export { appendBits, countBits, spreadBits } from './bits'
export { readBits, readIndices, startIndices } from './hybrid'
export { checkRepeats, countSlots, listOffsets, readLevels, rowsEnd, slotBits } from './levels'
export { gatherFixed } from './gather'
export { byteTable, gatherBytes, gatherBytesLength, plainBytes, skipBytes } from './plain-bytes'
export { deltaBytes, deltaBytesLength, deltaIntegers, deltaLengthBytes } from './delta'
export { joinStreams } from './split-streams'
export { evenSlices, int96, narrow, plainFixed } from './convert'
export { reverseBytes, reverseFixed, reverseSlices, widen } from './convert'
export { scatterFixed, scatterOffsets, widenOffsets } from './scatter'
export { checkUtf8, checkUtf8Table } from './utf8'
