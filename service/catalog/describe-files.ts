import type { Field } from '../arrow/arrow-type.ts'
import type { Footer } from '../footers/footer.ts'
import type { ObjectVersion } from '../objects/object-store.ts'
import type { SkippedCounts } from './data-files.ts'
import { addSkipped, noneSkipped } from './data-files.ts'
import type { DeclaredColumn } from './declared-column.ts'
import type { FilePage, TableFile } from './file-lister.ts'
import { mapAhead } from './map-ahead.ts'
import type { PartitionKind } from './partitions.ts'
import { narrowKinds, partitionKinds, typeOfKinds } from './partitions.ts'
import type { SchemaConflict, SchemaPart } from './schema-merge.ts'
import { mergeSchemas } from './schema-merge.ts'
import type { FileSchema, TableLedger } from './schema-ledger.ts'
import { spreadSample } from './spread-sample.ts'

/** Where footers come from. */
export interface FooterSource {
  get(object: ObjectVersion, signal: AbortSignal): Promise<Footer>
  /** The object, its version pinned if the read of its footer told it; absent: none ever is. */
  pin?(object: ObjectVersion): ObjectVersion
}

/** Columns, partitions and size of a table. */
export interface FilesDescription {
  /** Columns of the files, in order of first appearance; those that folders carry too are left out. */
  readonly fields: readonly Field[]
  /** Columns that the `key=value` folders carry. */
  readonly partitionFields: readonly Field[]
  readonly conflicts: readonly SchemaConflict[]
  readonly fileCount: number
  readonly fileBytes: number
  /** Files whose columns these are. */
  readonly sampledFileCount: number
  readonly skipped: SkippedCounts
}

export interface DescribeOptions {
  readonly footers: FooterSource
  /** What is known of the files without their footers. */
  readonly ledger: TableLedger
  /** Files of a spread sample; Infinity: all. */
  readonly sampleFilesMax: number
  /** Declared partition columns; none: found from the folders. */
  readonly columns: readonly DeclaredColumn[]
}

/**
 * The read of a footer takes all of a file smaller than this: the first guess at a footer.
 */
const SMALL_FILE_BYTES = 64 * 1024

/**
 * A sample of a table of small files, where footers cost as much as rows: sixteen are more than a query of one day
 * of a thousand may read in all (see `test/bench/selective.bench.ts`), four are the oldest, the newest and two more.
 */
const SMALL_SAMPLE_FILES_MAX = 4

/** Footers that are fetched at the same time. */
const FOOTERS_AHEAD = 16

/** What a listing and the footers of a sample of its files tell of a table: of few files, those of all. */
export async function describeFiles(
  pages: AsyncIterable<FilePage>,
  options: DescribeOptions,
  signal: AbortSignal,
): Promise<FilesDescription> {
  const { sampleFilesMax, ledger, columns } = options
  const tally = fileTally()
  const chosen =
    sampleFilesMax === Infinity
      ? tallied(pages, tally)
      : sampled(tallied(pages, tally), tally, sampleFilesMax)
  const { parts, partCount } = await partsOf(chosen, options, signal)
  ledger.close()
  const { kindsOf, fileCount, fileBytes, skipped } = tally
  const found = [...kindsOf].map(([name, kinds]) => ({ name, type: typeOfKinds(kinds) }))
  const partitionFields = (columns.length > 0 ? columns : found).map(({ name, type }): Field => ({
    name,
    type,
    nullable: true,
  }))
  const { fields, conflicts } = mergeSchemas(parts)
  const inFolders = new Set(partitionFields.map(({ name }) => name.toLowerCase()))
  return {
    fields: fields.filter(({ name }) => !inFolders.has(name.toLowerCase())),
    partitionFields,
    conflicts: conflicts.filter(({ column }) => !inFolders.has(column.toLowerCase())),
    fileCount,
    fileBytes,
    sampledFileCount: partCount,
    skipped,
  }
}

/** What a listing alone tells, added up while it is read. */
interface FileTally {
  readonly kindsOf: Map<string, readonly PartitionKind[]>
  fileCount: number
  fileBytes: number
  skipped: SkippedCounts
}

function fileTally(): FileTally {
  return { kindsOf: new Map(), fileCount: 0, fileBytes: 0, skipped: noneSkipped }
}

async function* tallied(
  pages: AsyncIterable<FilePage>,
  tally: FileTally,
): AsyncGenerator<TableFile, void> {
  const { kindsOf } = tally
  let folder: TableFile['partitions'] | undefined
  for await (const page of pages) {
    tally.skipped = addSkipped(tally.skipped, page.skipped)
    for (const file of page.files) {
      tally.fileCount += 1
      tally.fileBytes += file.object.sizeBytes
      if (file.partitions !== folder) {
        folder = file.partitions
        for (const { name, text } of folder) {
          kindsOf.set(name, narrowKinds(kindsOf.get(name) ?? partitionKinds, text))
        }
      }
      yield file
    }
  }
}

async function* sampled(
  files: AsyncIterable<TableFile>,
  tally: FileTally,
  filesMax: number,
): AsyncGenerator<TableFile, void> {
  const samples = [filesMax, Math.min(filesMax, SMALL_SAMPLE_FILES_MAX)].map((max) =>
    spreadSample<TableFile>(max, ({ object }) => object.modifiedMs),
  )
  for await (const file of files) for (const sample of samples) sample.add(file)
  const [ordinary, small] = samples
  const isSmall = tally.fileBytes < tally.fileCount * SMALL_FILE_BYTES
  const sample = isSmall && tally.fileCount > filesMax ? small : ordinary
  yield* sample?.items() ?? []
}

interface SchemaParts {
  /** One for each schema, with the first file that has it. */
  readonly parts: readonly SchemaPart[]
  readonly partCount: number
}

/** Files of one schema say the same: what they contribute is merged once. */
async function partsOf(
  files: AsyncIterable<TableFile>,
  { footers, ledger }: DescribeOptions,
  signal: AbortSignal,
): Promise<SchemaParts> {
  const read = async ({ object }: TableFile, both: AbortSignal) => {
    const known = ledger.get(object)
    if (known) return { object, schema: known }
    const { columns } = await footers.get(object, both)
    const fields = columns.map(({ field }) => field)
    return { object, schema: ledger.set(object, fields) }
  }
  const parts = new Map<FileSchema, SchemaPart>()
  let partCount = 0
  for await (const { object, schema } of mapAhead(files, FOOTERS_AHEAD, read, signal)) {
    partCount += 1
    if (!parts.has(schema)) parts.set(schema, { source: object.key, fields: schema.fields })
  }
  return { parts: [...parts.values()], partCount }
}
