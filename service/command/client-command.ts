import { performance } from 'node:perf_hooks'
import { formatType } from '../arrow/format-type.ts'
import type { Environment } from '../config.ts'
import { GatewayError } from '../errors.ts'
import { alignedTable } from '../arrow/aligned-table.ts'
import type { ClientCommand, ClientOptions } from './client-options.ts'
import { clientOptions, UsageError } from './client-options.ts'
import { clientUsage } from './client-usage.ts'
import { exitCodes, INTERRUPTED } from './exit-codes.ts'
import { openSource } from './open-source.ts'
import type { Output } from './output.ts'
import { fileOutput, standardOutput } from './output.ts'
import { bytes, counted, planTree } from './plan-tree.ts'
import { progressLine, type ReadCounts } from './progress.ts'
import { rowSink } from './row-sink.ts'
import type { SourceRead, TableSource } from './table-source.ts'

/** Rows of a table on a terminal when nobody says how many. */
const TABLE_ROWS_DEFAULT = 100

/** Who watches sees row groups done in so many steps at most: each costs a call. */
const PROGRESS_PARTS = 20

/** What a command has to do with. */
interface Errand {
  readonly options: ClientOptions
  readonly source: TableSource
  readonly output: Output
}

const errands: Readonly<
  Record<ClientCommand, (errand: Errand, signal: AbortSignal) => Promise<void>>
> = { tables, describe, plan, read }

/** Runs `tables`, `describe`, `plan` or `read`; Ctrl-C ends it at once and leaves no file behind. */
export async function clientCommand(
  command: ClientCommand,
  words: readonly string[],
  env: Environment,
): Promise<number> {
  if (words.includes('--help')) {
    process.stdout.write(clientUsage(command))
    return exitCodes.good
  }
  const interrupt = new AbortController()
  const onInterrupt = () => interrupt.abort()
  process.once('SIGINT', onInterrupt)
  try {
    const options = clientOptions(command, words, env)
    await withSource(options, (errand) => errands[command](errand, interrupt.signal))
    return interrupt.signal.aborted ? INTERRUPTED : exitCodes.good
  } catch (reason) {
    if (interrupt.signal.aborted) return INTERRUPTED
    if (reason instanceof UsageError) {
      process.stderr.write(`spillway: ${reason.message}\n\n${clientUsage(command)}`)
      return exitCodes.usage
    }
    process.stderr.write(`spillway: ${described(reason)}\n`)
    return exitCodes.failed
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

/** A defect of ours shows where it is. */
function described(reason: unknown): string {
  const error = GatewayError.from(reason)
  const cause = error.code === 'internal' && error.cause instanceof Error ? error.cause : undefined
  return `${error.code}: ${error.message}${cause ? `\n${cause.stack ?? cause.message}` : ''}`
}

async function withSource(
  options: ClientOptions,
  work: (errand: Errand) => Promise<void>,
): Promise<void> {
  const source = await openSource(options.origin)
  try {
    const { outputFile } = options
    const output = outputFile === undefined ? standardOutput() : fileOutput(outputFile)
    try {
      await work({ options, source, output })
    } finally {
      await output.discard()
    }
  } finally {
    await source.close()
  }
}

async function tables({ options, source, output }: Errand, signal: AbortSignal): Promise<void> {
  for await (const { schema, table } of source.listTables(options.schema, signal)) {
    if (!(await output.write(`${schema}.${table}\n`))) return
  }
}

async function describe({ options, source, output }: Errand, signal: AbortSignal): Promise<void> {
  const { fields, rowCount, ledger } = await source.plan(options.request, signal)
  const rows = fields.map(({ name, type, nullable }) => [
    name,
    formatType(type),
    nullable ? 'yes' : 'never',
  ])
  const columns = ['column', 'type', 'null'].map((name) => ({ name, isRight: false }))
  const { filesKept, rowGroupsKept, fileBytesKept } = ledger
  await output.write(alignedTable(columns, rows))
  await output.write(
    `(${counted(fields.length, 'column')}, ${counted(rowCount ?? 0, 'row')}, ${counted(filesKept, 'file')} of ${bytes(fileBytesKept)}, ${counted(rowGroupsKept, 'row group')})\n`,
  )
}

async function plan({ options, source, output }: Errand, signal: AbortSignal): Promise<void> {
  await output.write(planTree(options.request, await source.plan(options.request, signal)))
}

async function read({ options, source, output }: Errand, signal: AbortSignal): Promise<void> {
  const isTerminal = options.outputFile === undefined && process.stdout.isTTY
  const format = options.format ?? (isTerminal ? 'table' : 'csv')
  const rowsMax = options.request.limit ?? TABLE_ROWS_DEFAULT
  // One row more than is shown tells whether there are more.
  const limit = format === 'table' ? { limit: options.request.limit ?? rowsMax + 1 } : {}
  const { isTTY } = process.stderr
  const parts = isTTY && { endpoints: PROGRESS_PARTS }
  const answer = await source.read({ ...options.request, ...limit, ...parts }, signal)
  const sink = rowSink(answer, format, rowsMax)
  const progress = progressLine(
    countsOf(answer),
    { isTTY, write: (text) => void process.stderr.write(text) },
    () => performance.now(),
  )
  try {
    await output.write(sink.head)
    for await (const batch of answer.batches) {
      signal.throwIfAborted()
      const written = sink.batch(batch)
      for (const part of written.bytes) if (!(await output.write(part))) return
      const { body, rowGroupsDone } = batch
      progress.add({ rowCount: written.rowCount, byteCount: body.length, rowGroupsDone })
      batch.release()
    }
  } finally {
    progress.end()
  }
  signal.throwIfAborted()
  await output.write(sink.end())
  await output.finish()
}

function countsOf({ rowCount, parts }: SourceRead): ReadCounts {
  const rowGroups = parts.reduce((sum, part) => sum + part.rowGroups, 0)
  return { rows: rowCount, rowGroups: parts.length > 1 ? rowGroups : null }
}
