import type { IncomingMessage } from 'node:http'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../credentials/caller.ts'
import type { TableName } from '../catalog/table-name.ts'
import type { TableQueries } from '../query/table-queries.ts'
import type { TableRequest } from '../query/table-request.ts'
import { parseTableRequest, REQUEST_BYTES_MAX } from '../query/table-request.ts'
import { answerBody } from './answer-body.ts'
import type { AnswerFormat } from './answer-format.ts'
import { answerFormat, mediaTypes, takesGzip } from './answer-format.ts'
import { apiSchemas } from './api-schemas.ts'
import { callerOf } from './identify-requests.ts'
import type { ReadParameters } from './read-parameters.ts'
import { requestOfParameters } from './read-parameters.ts'
import { requestSignal } from './request-signal.ts'
import { sendBody } from './send-body.ts'

export interface ReadRoutesOptions {
  readonly queriesFor: (caller: Caller) => TableQueries
  readonly closing: AbortSignal
  /** Told why an answer was cut off. */
  readonly failed: (request: IncomingMessage, reason: unknown) => void
}

/** `/v1/read`: rows, as a body that is read while it is made. `GET` is the same for links. */
export const readRoutes: FastifyPluginAsync<ReadRoutesOptions> = async (app, options) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: REQUEST_BYTES_MAX }, keepBytes)
  app.post<{ Body: Uint8Array | undefined }>('/v1/read', apiSchemas.read, (request, reply) => {
    const format = answerFormat(undefined, request.headers.accept)
    const asked = parseTableRequest(request.body ?? new Uint8Array(0))
    return answer(options, { asked, format, request, reply })
  })
  app.get<{ Querystring: ReadParameters }>('/v1/read', apiSchemas.link, (request, reply) => {
    const { format: name } = request.query
    const format = answerFormat(typeof name === 'object' ? name[0] : name, request.headers.accept)
    return answer(options, { asked: requestOfParameters(request.query), format, request, reply })
  })
}

function keepBytes(_: unknown, body: Buffer, done: (error: null, body: Buffer) => void): void {
  done(null, body)
}

interface ReadToAnswer {
  readonly asked: TableRequest
  readonly format: AnswerFormat
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function answer(
  { queriesFor, closing, failed }: ReadRoutesOptions,
  { asked, format, request, reply }: ReadToAnswer,
): Promise<FastifyReply> {
  const signal = requestSignal(reply.raw, closing)
  const queries = queriesFor(callerOf(request))
  if (request.method === 'HEAD') {
    // Some clients look before they read; rows that nobody gets are not scanned for that.
    const { table } = await queries.schemaOf(asked, signal)
    // How long the body would be nobody knows, and fastify would say 0.
    reply.hijack()
    reply.raw.writeHead(200, headersOf(table, format, false)).end()
    return reply
  }
  const text = format === 'arrow' ? {} : { text: format }
  const read = await queries.readTable({ ...asked, ...text }, signal)
  const isGzip = format !== 'arrow' && takesGzip(request.headers['accept-encoding'])
  const begin = () => {
    reply.hijack()
    reply.raw.writeHead(200, headersOf(read.table, format, isGzip))
  }
  const cut = (reason: unknown) => failed(request.raw, signal.aborted ? signal.reason : reason)
  try {
    await sendBody(reply.raw, { parts: answerBody(read, format), isGzip, begin, cut }, signal)
  } catch (reason) {
    if (!reply.raw.headersSent) throw signal.aborted ? signal.reason : reason
  }
  return reply
}

function headersOf({ table }: TableName, format: AnswerFormat, isGzip: boolean) {
  const { type, suffix } = mediaTypes[format]
  const isText = format !== 'arrow'
  return {
    'content-type': isText ? `${type}; charset=utf-8` : type,
    'content-disposition': disposition(`${table}.${suffix}`),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isText && { vary: 'accept, accept-encoding' }),
    ...(isGzip && { 'content-encoding': 'gzip' }),
  }
}

/** RFC 6266: a name of plain characters, and the whole one where that is another. */
function disposition(fileName: string): string {
  const plain = fileName.replaceAll(/[^\w.-]/g, '_')
  const start = `attachment; filename="${plain}"`
  return plain === fileName ? start : `${start}; filename*=UTF-8''${encodeURIComponent(fileName)}`
}
