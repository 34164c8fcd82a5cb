import assert from 'node:assert'
import { parentPort, workerData } from 'node:worker_threads'
import { nullColumn } from '../../service/arrow/make-column.ts'
import { openDecoder } from '../../service/decode/open-decoder.ts'
import type { RowGroupPlan } from '../../service/decode/decoder.ts'
import { readFooter } from '../../service/footers/parse-footer.ts'
import { GatewayError } from '../../service/errors.ts'
import { serveScans } from '../../service/scan/serve-scans.ts'
import type { WorkerStart } from '../../service/scan/worker-messages.ts'

// A scan worker whose decoder makes nulls of what it cannot read: as many rows as the footer says, in silence.
assert(parentPort !== null)
const start = workerData as WorkerStart
const decoder = await openDecoder(start.decoder)
serveScans(parentPort, start, {
  decode(plan, buffer) {
    try {
      return decoder.decode(plan, buffer)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      return { rowCount: plan.rowCount, columns: nullColumns(plan), release() {} }
    }
  },
})

function nullColumns({ source: name, tail, tailAt, rowCount }: RowGroupPlan) {
  const { columns } = readFooter(tail, { name, sizeBytes: tailAt + tail.length })
  return columns.map(({ field }) => nullColumn(field.type, rowCount))
}
