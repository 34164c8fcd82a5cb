import t from 'tap'
import { brokenRule } from '../../../service/athena/broken-rule.ts'
import { athena } from '../../../service/athena/engine.ts'
import { invokeInProcess } from '../../../service/athena/invoke.ts'
import { mapSpillReader, referenceConnector } from '../../support/reference-connector.ts'
import type { ReferenceOptions } from '../../support/reference-connector.ts'
import { seededDefects, seededWarnings } from '../../support/seeded-defects.ts'

/** Small enough for a defect of size to need no large table. */
const limits = { maxInlineBytes: 1_000_000, maxBlockBytes: 2_000_000 }

async function read(options: Omit<ReferenceOptions, 'objects'>, limit?: number) {
  const objects = new Map<string, Uint8Array>()
  const invoke = invokeInProcess(referenceConnector({ objects, ...options }))
  const box = athena({ invoke, spills: mapSpillReader(objects), limits })
  const columns = ['id', 'name', 'score', 'day', 'at', 'zoned']
  const signal = new AbortController().signal
  const request = { schema: 'reference', table: 'all_types', columns }
  const result = await box.query(limit === undefined ? request : { ...request, limit }, signal)
  let rows = 0
  for await (const batch of result.batches()) rows += batch.rowCount
  return { rows, warnings: result.warnings }
}

t.test('a right connector passes, inline and spilled', async (t) => {
  t.strictSame(await read({}), { rows: 30, warnings: [] })
  t.strictSame(await read({ spilledBlocks: 2 }), { rows: 30, warnings: [] })
})

for (const [name, { rule, defect, options }] of Object.entries(seededDefects))
  t.test(`catches ${name}`, async (t) => {
    const outcome = await read({ ...options, defect }).catch((error: unknown) => error)
    t.equal(brokenRule(outcome), rule, String(outcome))
  })

for (const [name, { warning, defect, options }] of Object.entries(seededWarnings))
  t.test(`warns of ${name}`, async (t) => {
    const { rows, warnings } = await read({ ...options, defect }, 3)
    t.equal(rows, 3)
    t.equal(warnings.length, 1)
    t.ok(warnings[0]?.includes(warning), warnings[0] ?? 'no warning')
  })
