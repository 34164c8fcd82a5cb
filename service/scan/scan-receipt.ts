/** What a scan cost: numbers that grow while it runs. */
export interface ScanReceipt {
  /** Files and row groups that were opened. */
  files: number
  rowGroups: number
  /** Rows of the row groups that were decoded. */
  rowsRead: number
  rowsReturned: number
  /** Ranged reads of data, as asked of the store: retries and footers are not among them. */
  fetchRequests: number
  fetchBytes: number
  /** Bytes of Arrow that came out of the decoder. */
  decodedBytes: number
  frames: number
  /** Bytes of the frames' bodies. */
  frameBytes: number
  /** Milliseconds for which nothing could be decoded because the bytes were not there yet. */
  fetchWaitMs: number
  decodeMs: number
  /** Milliseconds of casting and writing frames. */
  frameMs: number
  /** Milliseconds of waiting for memory, which is waiting for the reader. */
  memoryWaitMs: number
}

export function emptyReceipt(): ScanReceipt {
  return {
    files: 0,
    rowGroups: 0,
    rowsRead: 0,
    rowsReturned: 0,
    fetchRequests: 0,
    fetchBytes: 0,
    decodedBytes: 0,
    frames: 0,
    frameBytes: 0,
    fetchWaitMs: 0,
    decodeMs: 0,
    frameMs: 0,
    memoryWaitMs: 0,
  }
}

/** Adds what one stage counted to the whole. */
export function addReceipt(total: ScanReceipt, part: Readonly<ScanReceipt>): void {
  for (const name of Object.keys(total) as (keyof ScanReceipt)[]) total[name] += part[name]
}
