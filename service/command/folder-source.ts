import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { encapsulatedParts } from '../arrow/framed-message.ts'
import { composeQueries } from '../compose.ts'
import { readConfig } from '../config.ts'
import { GatewayError } from '../errors.ts'
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
      const parts = endpoints.map((endpoint) => ({
        rows: endpoint.rowCount,
        rowGroups: endpoint.rowGroupCount,
        decodedBytes: endpoint.decodedBytes,
      }))
      return { fields, rowCount, parts, ledger }
    },
    async read(request, signal) {
      const { rowCount } = await queries.plan(request, signal)
      const { fields, schemaMessage, frames } = await queries.readTable(request, signal)
      return { fields, schemaMessage, rowCount, batches: batchesOf(frames) }
    },
    close,
  }
}

async function* batchesOf(frames: AsyncIterable<Frame>): AsyncGenerator<SourceBatch> {
  for await (const frame of frames) {
    yield { ...encapsulatedParts(frame.message), release: () => frame.release() }
  }
}
