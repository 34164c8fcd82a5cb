import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { StoreRefusal } from '../objects/store-refusal.ts'

/**
 * The bytes of an upload: read whole, the frames of `aws-chunked` taken off, the hash of a plain body checked.
 * Signatures of single chunks and checksums in trailers are not.
 *
 * @throws {StoreRefusal} 400 too large, cut short, or not what was signed.
 */
export async function uploadedBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const body = await wholeBody(request, bytesMax)
  const hash = request.headers['x-amz-content-sha256']
  if (typeof hash !== 'string') return body
  if (hash.startsWith('STREAMING-')) return unframed(body, request)
  const mismatch =
    /^[0-9a-f]{64}$/.test(hash) && createHash('sha256').update(body).digest('hex') !== hash
  if (mismatch) throw refused('XAmzContentSHA256Mismatch', 'the body is not the one signed')
  return body
}

async function wholeBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bytesMax)
      throw refused('EntityTooLarge', `an object has ${bytesMax} bytes at most`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `hex length[;extension] CRLF bytes CRLF … 0 CRLF trailers`. */
function unframed(body: Buffer, request: IncomingMessage): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = /^[0-9a-fA-F]{1,8}(?=;|$)/.exec(body.toString('latin1', at, Math.max(at, lineEnd)))
    if (lineEnd < 0 || size === null) throw refused('IncompleteBody', 'the body is not aws-chunked')
    const start = lineEnd + 2
    const end = start + Number.parseInt(size[0], 16)
    if (end === start) break
    chunks.push(body.subarray(start, end))
    at = end + 2
  }
  const bytes = Buffer.concat(chunks)
  if (String(bytes.length) !== request.headers['x-amz-decoded-content-length'])
    throw refused('IncompleteBody', 'the body is not as long as it says')
  return bytes
}

function refused(code: string, message: string): StoreRefusal {
  return new StoreRefusal(400, code, message)
}
