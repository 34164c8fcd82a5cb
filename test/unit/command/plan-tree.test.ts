import t from 'tap'
import { bytes, counted, planTree } from '../../../service/command/plan-tree.ts'
import { emptyLedger } from '../../../service/planning/ledger.ts'

t.test('a plan is a tree of what is read and what is not', async (t) => {
  const ledger = {
    ...emptyLedger,
    filesKept: 1,
    rowGroupsKept: 3,
    rowsKept: 3_000,
    fileBytesKept: 2_048,
    decodedBytesKept: 4_096,
    filesDroppedByPartition: 2,
    fileBytesDropped: 1_048_576,
    rowGroupsDroppedByStatistics: 1,
    rowsDroppedByStatistics: 1_000,
    listRequests: 1,
    footerRequests: 2,
    listBytes: 100,
    footerBytes: 924,
  }
  const request = { table: { schema: 's', table: 't' }, filter: 'a\n > 1', limit: 5 }
  const parts = [
    { rows: null, rowGroups: 2, decodedBytes: 3_072 },
    { rows: null, rowGroups: 1, decodedBytes: 1_024 },
  ]
  t.equal(
    planTree(request, { fields: [], rowCount: null, parts, ledger }),
    `s.t: rows unknown before the filter, 0 columns
├─ where a > 1
├─ limit 5
├─ read: 3 row groups with 3,000 rows in 1 file, files of 2.0 KiB, 4.0 KiB decoded
│  ├─ split 1: 2 row groups, 3.0 KiB decoded
│  └─ split 2: 1 row group, 1.0 KiB decoded
├─ left out: 1,000 rows by statistics, files of 1.0 MiB
│  ├─ 2 files: the partition cannot match the filter
│  └─ 1 row group: statistics rule the filter out
└─ planned with 3 requests to the store (1 for lists, 2 for footers), 1.0 KiB
`,
  )
  t.equal(counted(1_234_567, 'row'), '1,234,567 rows')
  t.equal(bytes(1023), '1023 B')
})
