import t from 'tap'
import { memoryStore } from '../../../service/objects/memory-store.ts'
import { withByteCache } from '../../../service/objects/with-byte-cache.ts'
import { readData } from '../../../service/scan/read-data.ts'
import { emptyReceipt } from '../../../service/scan/scan-receipt.ts'

const signal = new AbortController().signal

t.test('the receipt tells what the store was asked for from what was in memory', async (t) => {
  const memory = memoryStore()
  const object = memory.put('lake', 'data', Buffer.alloc(100, 'x'))
  const store = withByteCache(memory, { bytesMax: 1_000, keep: 'repeated' })
  const receipt = emptyReceipt()
  const range = { start: 10, end: 40 }
  for (let time = 0; time < 3; time++) await readData({ store, receipt }, { object, range }, signal)
  t.match(receipt, { fetchRequests: 2, fetchBytes: 60, cachedBytes: 30 })
  const gone = { ...object, key: 'gone' }
  await t.rejects(readData({ store, receipt }, { object: gone, range }, signal))
  t.match(receipt, { fetchRequests: 3, fetchBytes: 60 }, 'a request that failed was one')
})
