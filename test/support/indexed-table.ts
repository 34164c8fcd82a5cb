import type { Field } from '../../service/arrow/arrow-type.ts'
import { openDecoder } from '../../service/decode/open-decoder.ts'
import { FooterCache } from '../../service/footers/footer-cache.ts'
import { IndexCache } from '../../service/footers/index-cache.ts'
import { memoryStore } from '../../service/objects/memory-store.ts'
import type { Predicate } from '../../service/predicate/predicate.ts'
import { InProcessRunner } from '../../service/scan/in-process-runner.ts'
import type { PruningLimits } from '../../service/scan/prune-groups.ts'
import { scanSplit } from '../../service/scan/scan-split.ts'
import { rowsOfFrames } from './columns-from-frames.ts'
import { plainField } from './columns-golden.ts'
import { countingStore } from './counting-store.ts'

const MIB = 1024 * 1024
const frames = { bodyBytesTarget: MIB, bodyBytesMax: 2 * MIB, rowsMax: 100_000 }
const quiet = new AbortController().signal
const decoder = await openDecoder('auto')
/** The files of these tests are small: every saving counts. */
export const everySaving = {
  indexGainBytesMin: 0,
  bloomGainMin: 1,
  dictionaryGainMin: 0,
  lateBytesMin: 0,
}

export interface IndexedAsk {
  readonly predicate?: Predicate
  readonly columns?: readonly string[]
  readonly pruned?: boolean
  readonly rowLimit?: number
}

/** A table of one file, to be scanned with and without its indexes; what is read is counted. */
export function indexedTable(bytes: Uint8Array, limits: Partial<PruningLimits> = everySaving) {
  const memory = memoryStore()
  const object = memory.put('b', 't/a.parquet', bytes)
  const data = countingStore(memory)
  const planning = countingStore(memory)
  const footers = new FooterCache({ store: memory, bytesMax: 64 * MIB, concurrency: 4 })
  const indexes = new IndexCache({ store: planning, bytesMax: MIB })
  const runner = new InProcessRunner({ store: data, decoder, nowMs: () => 0 })
  const scan = async ({ predicate, columns, pruned = true, rowLimit }: IndexedAsk) => {
    const footer = await footers.get(object, quiet)
    const fields = footer.columns.map(({ field }) => plainField(field))
    const wanted = fields.filter(({ name }) => columns?.includes(name) ?? true)
    const file = { ...object, rowGroups: { start: 0, end: footer.rowGroupCount } }
    const split = {
      table: { schema: 'b', table: 't' },
      bucket: 'b',
      prefix: 't/',
      files: [file],
      partitionColumns: [],
      expiresMs: 0,
    }
    const request = {
      split,
      columns: wanted.map((field: Field) => ({ field, from: { kind: 'file' as const } })),
      frames,
      ...(predicate && { predicate }),
      ...(rowLimit !== undefined && { rowLimit }),
    }
    data.reset()
    planning.reset()
    const deps = { footers, runner, ...(pruned && { indexes, pruning: limits }) }
    const run = scanSplit(request, deps, quiet)
    const rows = await rowsOfFrames(wanted, run.frames)
    return { rows, receipt: { ...run.receipt } }
  }
  return { scan, data, planning, object, indexes, footers }
}
