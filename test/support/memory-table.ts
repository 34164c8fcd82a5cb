import { Catalog } from '../../service/catalog/catalog.ts'
import type { CatalogOptions } from '../../service/catalog/catalog.ts'
import type { FooterSource } from '../../service/catalog/describe-files.ts'
import type { RecordArchive } from '../../service/footers/footer-archive.ts'
import { GatewayError } from '../../service/errors.ts'
import type { Footer } from '../../service/footers/footer.ts'
import { memoryStore } from '../../service/objects/memory-store.ts'
import type { ListedObject } from '../../service/objects/object-store.ts'
import { countingStore } from './counting-store.ts'
import type { CountingStore } from './counting-store.ts'

export interface MemoryTableOptions extends Partial<CatalogOptions> {
  readonly archive?: RecordArchive
  /** Entries of one page of the store's listing. */
  readonly pageEntriesMax?: number
}

/** A catalog over a counting store in memory, whose footers are whatever the test says. */
export interface MemoryTable {
  readonly store: CountingStore
  readonly catalog: Catalog
  readonly footers: FooterSource
  /** Keys whose footers were asked for. */
  readonly footersAsked: string[]
  /** Both clocks, the store's and the catalog's; the test moves it. */
  readonly clock: { nowMs: number }
  /** Puts an object of the bucket `lake-a` with this footer, or with these bytes and none. */
  /** Objects with a footer of their own are small, or as long as is said. */
  readonly put: (key: string, content?: Footer | Uint8Array, sizeBytes?: number) => ListedObject
  readonly putInto: (bucket: string, key: string) => void
  readonly remove: (key: string) => void
  /** Another catalog over the same store. */
  readonly restart: (options: Omit<MemoryTableOptions, 'pageEntriesMax'>) => Catalog
}

const bucket = 'lake-a'

export function memoryTable(options: MemoryTableOptions = {}): MemoryTable {
  const { pageEntriesMax = 1000, ...given } = options
  const clock = { nowMs: 1_000_000 }
  const memory = memoryStore({ pageEntriesMax, nowMs: () => clock.nowMs })
  const store = countingStore(memory)
  const known = new Map<string, Footer>()
  const footersAsked: string[] = []
  const footers: FooterSource = {
    async get({ key, etag }) {
      footersAsked.push(key)
      const footer = known.get(`${key} ${etag}`)
      if (!footer) throw new GatewayError('unreadable_file', `${bucket}/${key} is no Parquet file`)
      return footer
    },
  }
  const start = ({ archive, ...more }: MemoryTableOptions) =>
    new Catalog(
      { bucketPrefix: 'lake-', tablesPath: 'tables', listingTtlMs: 0, ...more },
      { store, footers, nowMs: () => clock.nowMs, ...(archive && { archive }) },
    )
  let serial = 0
  return {
    store,
    catalog: start(given),
    restart: start,
    footers,
    footersAsked,
    clock,
    put(key, content, sizeBytes = 0) {
      serial += 1
      const text = `PAR1 object ${serial} PAR1`
      const bytes = content instanceof Uint8Array ? content : Buffer.from(text.padEnd(sizeBytes))
      const listed = memory.put(bucket, key, bytes)
      if (content && !(content instanceof Uint8Array)) known.set(`${key} ${listed.etag}`, content)
      return listed
    },
    putInto: (other, key) => void memory.put(other, key, Buffer.from('PAR1 other PAR1')),
    remove: (key) => memory.delete(bucket, key),
  }
}
