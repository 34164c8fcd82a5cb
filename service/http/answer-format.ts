import { GatewayError } from '../errors.ts'
import type { TextFormat } from '../arrow/row-text.ts'

/** What a read answers with. */
export type AnswerFormat = 'arrow' | TextFormat

/** The media type of each format, and how a file of it is called. */
export const mediaTypes: Readonly<Record<AnswerFormat, { type: string; suffix: string }>> = {
  arrow: { type: 'application/vnd.apache.arrow.stream', suffix: 'arrows' },
  csv: { type: 'text/csv', suffix: 'csv' },
  ndjson: { type: 'application/x-ndjson', suffix: 'ndjson' },
}

export const answerFormats = Object.keys(mediaTypes) as readonly AnswerFormat[]

/**
 * The format that a caller wants: by name, else by `Accept`; Arrow when neither says.
 *
 * @throws {GatewayError} `invalid_request` there is no such format, or none of those that are accepted.
 */
export function answerFormat(name: string | undefined, accept: string | undefined): AnswerFormat {
  if (name !== undefined) return formatNamed(name)
  if (accept === undefined || accept.trim() === '') return 'arrow'
  const wanted = weighted(accept)
  for (const { value } of wanted) {
    const found = answerFormats.find((format) => mediaTypes[format].type === value)
    if (found) return found
    if (value === '*/*' || value === 'application/*') return 'arrow'
    if (value === 'text/*') return 'csv'
  }
  const known = answerFormats.map((format) => mediaTypes[format].type).join(', ')
  throw new GatewayError('invalid_request', `none of what is accepted is served: ${known}`)
}

function formatNamed(name: string): AnswerFormat {
  const format = answerFormats.find((one) => one === name)
  if (format) return format
  throw new GatewayError(
    'invalid_request',
    `there is no format ${JSON.stringify(name.slice(0, 40))}; there are ${answerFormats.join(', ')}`,
  )
}

/** True when the caller takes gzip. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const wanted = weighted(acceptEncoding ?? '')
  const isRefused = /\bgzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/i.test(acceptEncoding ?? '')
  return wanted.some(({ value }) => value === 'gzip' || (value === '*' && !isRefused))
}

/** The values of a header of preferences, the most wanted first; those of weight 0 left out. */
function weighted(header: string): readonly { readonly value: string; readonly weight: number }[] {
  return header
    .split(',')
    .map((part) => {
      const [value = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
      const weight = parameters.find((word) => word.startsWith('q='))?.slice(2)
      return { value, weight: weight === undefined ? 1 : Number(weight) }
    })
    .filter(({ value, weight }) => value !== '' && weight > 0)
    .toSorted((left, right) => right.weight - left.weight)
}
