import { Client } from 'minio'
import type { DemoStore } from './find-store.ts'
import { sampleFiles } from './sample-data.ts'

/** Buckets of the demo: one schema, and the spill beside it. */
export const demoNames = {
  bucketPrefix: 'spillway-demo-',
  schema: 'spillway-demo-sales',
  tablesPath: 'tables',
  spillBucket: 'spillway-spill-demo',
} as const

/** What was written, by table. */
export interface SeededTable {
  readonly name: string
  readonly rowCount: number
  readonly fileCount: number
  readonly bytes: number
}

/** Creates the buckets and writes the sample data, telling of each file. */
export async function seedStore(
  store: DemoStore,
  onFile: (key: string, rowsSoFar: number) => void,
): Promise<readonly SeededTable[]> {
  const client = storeClient(store)
  for (const bucket of [demoNames.schema, demoNames.spillBucket]) {
    if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket)
  }
  const tables = new Map<string, SeededTable>()
  let rows = 0
  for (const file of sampleFiles(demoNames.tablesPath)) {
    await client.putObject(demoNames.schema, file.key, Buffer.from(file.bytes))
    rows += file.rowCount
    onFile(file.key, rows)
    const name = file.key.split('/')[1] ?? ''
    const known = tables.get(name) ?? { name, rowCount: 0, fileCount: 0, bytes: 0 }
    tables.set(name, {
      name,
      rowCount: known.rowCount + file.rowCount,
      fileCount: known.fileCount + 1,
      bytes: known.bytes + file.bytes.length,
    })
  }
  return [...tables.values()]
}

function storeClient(store: DemoStore): Client {
  const url = new URL(store.url)
  const useSSL = url.protocol === 'https:'
  return new Client({
    endPoint: url.hostname,
    port: Number(url.port) || (useSSL ? 443 : 80),
    useSSL,
    accessKey: store.accessKey,
    secretKey: store.secretKey,
    region: 'us-east-1',
  })
}
