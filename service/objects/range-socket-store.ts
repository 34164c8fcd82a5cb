import type { StoreCredentials, StoreCredentialsSource } from '../credentials/store-credentials.ts'
import { GatewayError } from '../errors.ts'
import { checkBucketName } from './bucket-name.ts'
import { rangeLength } from './byte-range.ts'
import type { ObjectStore } from './object-store.ts'
import { rangeReader } from './range-reader.ts'
import type { RangeReaderOptions } from './range-reader.ts'
import { signedAttempts } from './signed-attempts.ts'

export interface RangeSocketStoreOptions extends RangeReaderOptions {
  /** Shorter reads that bring their own memory stay with `inner`; default 0: none. */
  readonly bytesMin?: number
  /** After some odd answers in a row all reads go the ordinary way for so long; default 60 s. */
  readonly oddMsPause?: number
}

/** Each costs a connection and a second request. One alone may be a refusal with a chunked body, as AWS sends it. */
const ODD_IN_ROW_MAX = 3

/**
 * Reads ranges of an S3 store over plain sockets, with the checks and errors of `s3Store`, for a quarter of
 * the processor time that `node:http` takes. Only plain answers are understood here; at anything else the socket is
 * closed and `inner` reads the range again. Lists are `inner`'s.
 *
 * @throws {GatewayError} `invalid_request` the URL is not one of a store.
 */
export function rangeSocketStore(
  inner: ObjectStore,
  options: RangeSocketStoreOptions,
  credentials: StoreCredentialsSource,
): ObjectStore {
  const { bytesMin = 0, oddMsPause = 60_000, nowMs = Date.now } = options
  const reader = rangeReader(options)
  let pausedUntilMs = Number.NEGATIVE_INFINITY
  let oddInRow = 0

  const note = (isOdd: boolean): void => {
    oddInRow = isOdd ? oddInRow + 1 : 0
    if (oddInRow < ODD_IN_ROW_MAX) return
    oddInRow = 0
    pausedUntilMs = nowMs() + oddMsPause
  }

  return {
    id: inner.id,
    listBuckets: (signal) => inner.listBuckets(signal),
    list: (request, signal) => inner.list(request, signal),
    async read(request, signal) {
      const isData = request.into !== undefined || rangeLength(request.range) >= bytesMin
      if (!isData || nowMs() < pausedUntilMs) return inner.read(request, signal)
      if (signal.aborted) throw GatewayError.from(signal.reason)
      checkBucketName(request.object.bucket)
      const read = await signedAttempts(
        request.credentials ?? credentials,
        (granted: StoreCredentials) => reader.read(request, granted, signal),
        signal,
      )
      if (read === 'unsendable') return inner.read(request, signal)
      note(read === 'odd')
      return read === 'odd' ? inner.read(request, signal) : read
    },
    close() {
      reader.close()
      inner.close()
    },
  }
}
