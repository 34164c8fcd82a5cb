import { randomUUID } from 'node:crypto'
import { Federation } from '../proto/gen/spillway/v1/federation_pb.ts'
import {
  getSplitsResponse,
  readConstraintsJson,
  readTableName,
  responseBytesMax,
  type Request,
  type Response,
  type Split,
} from './athena-messages.ts'
import { withoutTrailingSlashes, type SpillSettings } from './config.ts'
import { optionalTextOf } from './json-fields.ts'
import { contextOf } from './metadata-calls.ts'
import type { Invocation } from './shim.ts'

/** Splits of one response; the common connectors all send at most this many. */
const splitCountMax = 1_000

/** One page of splits, each with its own place to spill to and its own key. */
export async function getSplits(request: Request, call: Invocation): Promise<Response> {
  const { config, gateway, spillStore, makeDataKeys } = call.shim()
  const { schemaName, tableName } = readTableName(request)
  const folder = spillFolder(config.spill, request)
  if (folder !== null) await spillStore.checkBucket(folder.bucket, call.signal)
  const page = await gateway.call(
    Federation.method.planSplits,
    {
      context: contextOf(request),
      schema: schemaName,
      table: tableName,
      constraintsJson: readConstraintsJson(request),
      continuationToken: optionalTextOf(request.fields, 'continuationToken') ?? '',
      splitCountMax,
      pageBytesMax: ticketBytesMax(folder),
    },
    call.deadline,
    call.signal,
  )
  const keys = await makeDataKeys(page.tickets.length, call.signal)
  const splits = page.tickets.map((ticket, index): Split => ({
    spillLocation: folder === null ? null : locationIn(folder),
    encryptionKey: keys[index] ?? null,
    ticket,
  }))
  return getSplitsResponse(request.catalogName, splits, page.continuationToken || null)
}

/** Where the splits of one query spill. */
export interface SpillFolder {
  readonly bucket: string
  /** `<prefix>/<query id>`. */
  readonly key: string
}

/**
 * The spill folder by Athena's precedence: what the identity's configOptions say, else the environment.
 * Null without a bucket. The query id is left out when blank or part of the prefix already.
 */
export function spillFolder(
  settings: SpillSettings,
  { configOptions, queryId }: Pick<Request, 'configOptions' | 'queryId'>,
): SpillFolder | null {
  const option = (name: string): string => (configOptions.get(name) ?? '').trim()
  const bucket = option('spill_bucket') || settings.bucket
  const prefix = withoutTrailingSlashes(option('spill_prefix')) || settings.prefix
  if (bucket === null) return null
  const named = queryId.trim() === '' || prefix.includes(queryId)
  return { bucket, key: named ? prefix : `${prefix}/${queryId}` }
}

function locationIn(folder: SpillFolder): Split['spillLocation'] {
  return { bucket: folder.bucket, key: `${folder.key}/${randomUUID()}`, directory: true }
}

/** JSON of a split without its ticket and the text of its folder: key names, a UUID, a 32-byte key and a nonce. */
const splitOverheadLength = 320

/** Bytes of tickets that fit one response whatever their number; base64url makes 4 letters of 3 bytes. */
function ticketBytesMax(folder: SpillFolder | null): number {
  const folderLength = folder === null ? 0 : Buffer.byteLength(JSON.stringify(folder))
  const overhead = (splitCountMax + 1) * (splitOverheadLength + folderLength)
  return Math.max(1, Math.floor(((responseBytesMax - overhead) * 3) / 4))
}
