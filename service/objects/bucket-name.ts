import { GatewayError } from '../errors.ts'

/** S3's longest name is 63; older buckets of us-east-1 have up to 255 characters, upper case and underscores. */
const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/

/**
 * A bucket's name goes into paths as it is, so nothing but such a name may.
 *
 * @throws {GatewayError} `table_not_found` no store can hold a bucket of that name.
 */
export function checkBucketName(name: string): void {
  if (!bucketName.test(name)) throw noSuchBucket(name)
}

export function noSuchBucket(name: string, cause?: unknown): GatewayError {
  const message = `there is no bucket ${JSON.stringify(name)} in the store`
  return new GatewayError('table_not_found', message, { cause })
}
