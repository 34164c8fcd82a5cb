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
import { spreadSample } from './spread-sample.ts'

/** Where footers come from. */
export interface FooterSource {
  get(object: ObjectVersion, signal: AbortSignal): Promise<Footer>
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
  /** Files whose footers were read for this. */
  readonly sampledFileCount: number
  readonly skipped: SkippedCounts
}

export interface DescribeOptions {
  readonly footers: FooterSource
  readonly sampleFilesMax: number
  /** Declared partition columns; none: found from the folders. */
  readonly columns: readonly DeclaredColumn[]
}

/** Footers that are fetched at the same time. */
const FOOTERS_AHEAD = 16

/** What a listing and the footers of a sample of its files tell of a table. */
export async function describeFiles(
  pages: AsyncIterable<FilePage>,
  options: DescribeOptions,
  signal: AbortSignal,
): Promise<FilesDescription> {
  const { footers, sampleFilesMax, columns } = options
  const sample = spreadSample<TableFile>(sampleFilesMax, ({ object }) => object.modifiedMs)
  const kindsOf = new Map<string, readonly PartitionKind[]>()
  let folder: TableFile['partitions'] | undefined
  let [fileCount, fileBytes, skipped] = [0, 0, noneSkipped]
  for await (const page of pages) {
    skipped = addSkipped(skipped, page.skipped)
    for (const file of page.files) {
      fileCount += 1
      fileBytes += file.object.sizeBytes
      sample.add(file)
      if (file.partitions === folder) continue
      folder = file.partitions
      for (const { name, text } of folder) {
        kindsOf.set(name, narrowKinds(kindsOf.get(name) ?? partitionKinds, text))
      }
    }
  }
  const found = [...kindsOf].map(([name, kinds]) => ({ name, type: typeOfKinds(kinds) }))
  const partitionFields = (columns.length > 0 ? columns : found).map(({ name, type }): Field => ({
    name,
    type,
    nullable: true,
  }))
  const sampled = sample.items()
  const { fields, conflicts } = mergeSchemas(await fieldsOf(sampled, footers, signal))
  const inFolders = new Set(partitionFields.map(({ name }) => name.toLowerCase()))
  return {
    fields: fields.filter(({ name }) => !inFolders.has(name.toLowerCase())),
    partitionFields,
    conflicts: conflicts.filter(({ column }) => !inFolders.has(column.toLowerCase())),
    fileCount,
    fileBytes,
    sampledFileCount: sampled.length,
    skipped,
  }
}

async function fieldsOf(
  files: readonly TableFile[],
  footers: FooterSource,
  signal: AbortSignal,
): Promise<readonly SchemaPart[]> {
  const read = async ({ object }: TableFile, both: AbortSignal): Promise<SchemaPart> => {
    const { columns } = await footers.get(object, both)
    return { source: object.key, fields: columns.map(({ field }) => field) }
  }
  const parts: SchemaPart[] = []
  for await (const part of mapAhead(files, FOOTERS_AHEAD, read, signal)) parts.push(part)
  return parts
}
