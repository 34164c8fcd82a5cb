import { rangeLength } from '../objects/byte-range.ts'
import type { ObjectStore, ReadRequest } from '../objects/object-store.ts'
import type { ScanReceipt } from './scan-receipt.ts'

export interface DataReader {
  readonly store: ObjectStore
  readonly receipt: ScanReceipt
}

/**
 * Reads a range of data; the receipt counts what the store was asked for and what came from memory.
 *
 * @throws {GatewayError} what the store throws.
 */
export async function readData(
  { store, receipt }: DataReader,
  request: ReadRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let isCached = false
  const onCached = () => {
    isCached = true
  }
  try {
    const bytes = await store.read({ ...request, onCached }, signal)
    if (isCached) receipt.cachedBytes += rangeLength(request.range)
    else receipt.fetchBytes += rangeLength(request.range)
    return bytes
  } finally {
    if (!isCached) receipt.fetchRequests++
  }
}
