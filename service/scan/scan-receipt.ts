import type { StoreTally } from '../objects/store-tally.ts'

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
  /** Bytes of data that were still in memory: nobody was asked for them. */
  cachedBytes: number
  /** Ends of files that were read again because this gateway did not know them, retries included. */
  footerRequests: number
  footerBytes: number
  /** The same of page indexes… */
  indexRequests: number
  indexBytes: number
  /** …and of bloom filters. */
  bloomRequests: number
  bloomBytes: number
  /** Of these reads of data, those of dictionaries before their columns. */
  dictionaryReads: number
  dictionaryBytes: number
  /** Of all bytes that were read, those that only lay between what was wanted. */
  wastedBytes: number
  /** Dropped after statistics had left them in: in the order in which they are asked. */
  rowGroupsDroppedByPageIndex: number
  rowGroupsDroppedByBloomFilter: number
  rowGroupsDroppedByDictionary: number
  /** Read, but of them only the columns that the filter looks at. */
  rowGroupsDroppedByFilter: number
  /** Rows of dropped pages, those of dropped row groups included. */
  rowsDroppedByPageIndex: number
  /** Bytes of Arrow that came out of the decoder. */
  decodedBytes: number
  /** Column chunks by the engine that decoded them: our kernels, or parquet-wasm and why. */
  chunksByKernels: number
  chunksNested: number
  chunksOfCodec: number
  chunksOfType: number
  chunksOfEncoding: number
  chunksForced: number
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
    cachedBytes: 0,
    footerRequests: 0,
    footerBytes: 0,
    indexRequests: 0,
    indexBytes: 0,
    bloomRequests: 0,
    bloomBytes: 0,
    dictionaryReads: 0,
    dictionaryBytes: 0,
    wastedBytes: 0,
    rowGroupsDroppedByPageIndex: 0,
    rowGroupsDroppedByBloomFilter: 0,
    rowGroupsDroppedByDictionary: 0,
    rowGroupsDroppedByFilter: 0,
    rowsDroppedByPageIndex: 0,
    decodedBytes: 0,
    chunksByKernels: 0,
    chunksNested: 0,
    chunksOfCodec: 0,
    chunksOfType: 0,
    chunksOfEncoding: 0,
    chunksForced: 0,
    frames: 0,
    frameBytes: 0,
    fetchWaitMs: 0,
    decodeMs: 0,
    frameMs: 0,
    memoryWaitMs: 0,
  }
}

/** What opening the files of a scan cost. */
export function tallyInReceipt(tally: StoreTally): Partial<ScanReceipt> {
  const { requests, bytes } = tally
  return {
    footerRequests: requests.footer,
    footerBytes: bytes.footer,
    indexRequests: requests.index,
    indexBytes: bytes.index,
    bloomRequests: requests.bloom,
    bloomBytes: bytes.bloom,
  }
}

/** What indexes saved, and what they cost beside their bytes. */
export type PruningCounts = Pick<
  ScanReceipt,
  | 'wastedBytes'
  | 'rowGroupsDroppedByPageIndex'
  | 'rowGroupsDroppedByBloomFilter'
  | 'rowsDroppedByPageIndex'
>

/** Adds what one stage counted to the whole. */
export function addReceipt(total: ScanReceipt, part: Readonly<ScanReceipt>): void {
  for (const name of Object.keys(total) as (keyof ScanReceipt)[]) total[name] += part[name]
}
