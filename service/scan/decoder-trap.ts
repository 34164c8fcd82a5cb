import { GatewayError } from '../errors.ts'

/** The decoder ended as it never should: it must not be used again. */
export class DecoderTrap extends Error {
  /** `bucket/key, row group 3`. */
  readonly source: string

  constructor(source: string, cause: unknown) {
    super(`the decoder failed on ${source}`, { cause })
    this.name = 'DecoderTrap'
    this.source = source
  }
}

/** What a scan that met a trap tells its reader. */
export function trapError(source: string, cause: unknown): GatewayError {
  return new GatewayError(
    'unreadable_file',
    `the decoder failed on ${source}; the file is damaged or beyond what can be read, write it anew`,
    { cause },
  )
}
