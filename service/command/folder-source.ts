import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { encapsulatedParts } from '../arrow/framed-message.ts'
import { composeQueries } from '../compose.ts'
import { readConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
import type { PlannedEndpoint } from '../query/table-queries.ts'
import type { Frame } from '../scan/frame.ts'
import type { SourceBatch, TableSource } from './table-source.ts'

/**
 * The tables of a folder, `SCHEMA/TABLE/*.parquet`, read by the gateway's own rooms in this process.
 *
 * @throws {GatewayError} `invalid_request` there is no such folder.
 */
export async function folderSource(folder: string): Promise<TableSource> {
  const path = resolve(folder)
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new GatewayError('invalid_request', `${folder} is no folder`)
  }
  const config = readConfig({
    SPILLWAY_STORE_URL: pathToFileURL(path).href,
    SPILLWAY_WORKERS: '1',
  })
  const { queries, close } = await composeQueries(config)
  return {
    async *listTables(schema, signal) {
      yield* queries.listTables({ ...(schema !== undefined && { schema }) }, signal)
    },
    async plan(request, signal) {
      const { fields, rowCount, endpoints, ledger } = await queries.plan(request, signal)
      return { fields, rowCount, parts: endpoints.map(partOf), ledger }
    },
    async read(request, signal) {
      const { fields, schemaMessage, rowCount, endpoints } = await queries.plan(request, signal)
      const batches = async function* tickets() {
        let rowGroupsDone = 0
        for (const { ticket, rowGroupCount } of endpoints) {
          yield* batchesOf((await queries.read(ticket, signal)).frames, rowGroupsDone)
          rowGroupsDone += rowGroupCount
        }
      }
      const parts = endpoints.map(partOf)
      return { fields, schemaMessage, rowCount, parts, batches: batches() }
    },
    close,
  }
}

function partOf({ rowCount, rowGroupCount, decodedBytes }: PlannedEndpoint) {
  return { rows: rowCount, rowGroups: rowGroupCount, decodedBytes }
}

async function* batchesOf(
  frames: AsyncIterable<Frame>,
  rowGroupsDone: number,
): AsyncGenerator<SourceBatch> {
  for await (const frame of frames) {
    const release = () => frame.release()
    yield { ...encapsulatedParts(frame.message), rowGroupsDone, release }
  }
}
