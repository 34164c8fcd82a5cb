import { type LineProcess, startLineProcess } from './bench-line-process.ts'
import { pythonScript } from './bench-python.ts'
import { benchBucket, type BenchStore } from './bench-store.ts'

/** The pyarrow Flight server over the same tables; `ready` has its `port`. */
export function startFlightPeer(store: BenchStore): Promise<LineProcess> {
  const { python, url, accessKey, secretKey } = store
  const words = [pythonScript('flight_peer.py'), url, accessKey, secretKey, benchBucket]
  return startLineProcess({ command: python, words })
}

/** A pyarrow client; `words` are the server's port, and the schema where tickets have to be asked for. */
export function startFlightReader(
  { python }: BenchStore,
  words: readonly string[],
): Promise<LineProcess> {
  return startLineProcess({ command: python, words: [pythonScript('flight_reader.py'), ...words] })
}
