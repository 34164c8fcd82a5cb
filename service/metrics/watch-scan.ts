import { GatewayError } from '../errors.ts'
import type { Frame } from '../scan/frame.ts'
import type { ScanRun } from '../scan/scan-job.ts'
import type { ScanReceipt } from '../scan/scan-receipt.ts'
import type { ScanRequest } from '../scan/scan-request.ts'
import { countChunks } from './count-chunks.ts'
import type { CostNote } from './cost-note.ts'
import { withoutZeros } from './cost-note.ts'
import type { MetricsRegistry } from './registry.ts'

/** Counts a scan when it ends, however it ends, and notes its receipt. */
export function watchScan(
  registry: MetricsRegistry,
  scan: (request: ScanRequest, signal: AbortSignal) => ScanRun,
  note?: CostNote,
): (request: ScanRequest, signal: AbortSignal) => AsyncIterable<Frame> {
  return async function* watched(request, signal) {
    const run = scan(request, signal)
    let code = 'cancelled'
    registry.change('scansActive', 1)
    try {
      yield* run.frames
      code = 'ok'
    } catch (reason) {
      code = GatewayError.from(reason).code
      throw reason
    } finally {
      registry.change('scansActive', -1)
      countScan(registry, run, code)
      note?.('scan', { ...request.split.table, code, ...withoutZeros(run.receipt) })
    }
  }
}

function countScan(registry: MetricsRegistry, { receipt }: ScanRun, code: string): void {
  registry.add('scans', 1, { code })
  registry.add('scanRowGroups', receipt.rowGroups)
  countDropped(registry, receipt)
  countChunks(registry, receipt)
  registry.add('scanRows', receipt.rowsReturned)
  registry.add('scanDecodedBytes', receipt.frameBytes)
  registry.add('scanFrames', receipt.frames)
  registry.add('storeRequests', receipt.fetchRequests, { operation: 'read_data', outcome: 'ok' })
  registry.add('storeBytes', receipt.fetchBytes, { kind: 'data' })
  registry.add('cachedBytes', receipt.cachedBytes)
}

function countDropped(registry: MetricsRegistry, receipt: ScanReceipt): void {
  const counts = {
    page_index: receipt.rowGroupsDroppedByPageIndex,
    bloom_filter: receipt.rowGroupsDroppedByBloomFilter,
    dictionary: receipt.rowGroupsDroppedByDictionary,
    filter: receipt.rowGroupsDroppedByFilter,
  }
  for (const [by, count] of Object.entries(counts)) {
    registry.add('scanRowGroupsDropped', count, { by })
  }
  registry.add('scanWastedBytes', receipt.wastedBytes)
}
