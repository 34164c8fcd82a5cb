import { GatewayError } from '../errors.ts'
import type { Leaf } from '../footers/footer.ts'
import type { Fail } from '../footers/thrift-reader.ts'
import { countHighest } from './level-runs.ts'
import { type PageHeader, RLE } from './page-header.ts'

/** Number in parquet.thrift, `Encoding`. */
const BIT_PACKED = 4

/** Of a column's leaf; 0: there are no such levels. */
export type LevelMaxima = Pick<Leaf, 'maxDefinitionLevel' | 'maxRepetitionLevel'>

/**
 * Refuses levels that would give other rows in silence. BIT_PACKED, deprecated since 2013, is one of them: it does not
 * tell its length. Levels of v2 pages are never compressed: those are counted.
 *
 * @param bytes the page without its header
 * @throws {GatewayError} `unsupported` levels coded in another way than RLE; what `fail` throws.
 */
export function checkLevels(
  page: PageHeader,
  bytes: Uint8Array,
  { maxDefinitionLevel, maxRepetitionLevel }: LevelMaxima,
  { source, fail }: { readonly source: string; readonly fail: Fail },
): void {
  checkLevelEncodings(page, { maxDefinitionLevel, maxRepetitionLevel }, source)
  if (page.type !== 'data_v2') return
  const { valueCount: count, nullCount, levelBytes, repetitionBytes } = page
  const definition = { bytes: bytes.subarray(repetitionBytes, levelBytes), count }
  const repetition = { bytes: bytes.subarray(0, repetitionBytes), count }
  const present = countHighest({ ...definition, levelMax: maxDefinitionLevel })
  const repeated = countHighest({ ...repetition, levelMax: maxRepetitionLevel })
  if (present === undefined || repeated === undefined)
    return fail('the levels of a page are malformed')
  // Writers disagree on what a null is where there are lists.
  if (maxRepetitionLevel === 0 && present !== count - nullCount) {
    fail(`a page claims ${nullCount} nulls of ${count} values, its levels tell ${count - present}`)
  }
}

/** @throws {GatewayError} `unsupported` levels coded in another way than RLE. */
export function checkLevelEncodings(
  page: PageHeader,
  { maxDefinitionLevel, maxRepetitionLevel }: LevelMaxima,
  source: string,
): void {
  // Writers put anything for levels that are not there.
  if (maxDefinitionLevel > 0) checkEncoding(page.definitionEncoding, source)
  if (maxRepetitionLevel > 0) checkEncoding(page.repetitionEncoding, source)
}

function checkEncoding(encoding: number, source: string): void {
  if (encoding === RLE) return
  const name = encoding === BIT_PACKED ? 'BIT_PACKED' : `encoding ${encoding}`
  throw new GatewayError(
    'unsupported',
    `${source} has levels in ${name}, which is not supported; write the file anew`,
  )
}
