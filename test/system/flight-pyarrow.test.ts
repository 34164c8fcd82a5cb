import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { defectsIn } from '../support/ask-table.ts'
import { findPython, NO_PYTHON } from '../support/bench-python.ts'
import { goldenBytes, goldenNames } from '../support/columns-golden.ts'
import { startStack } from '../support/start-stack.ts'

const script = join(import.meta.dirname, '../support/python/check_flight.py')
const golden = join(import.meta.dirname, '../golden/parquet')
const schema = 'golden'
const python = findPython()

t.test(
  'pyarrow reads every golden file as it reads the file itself',
  {
    skip: python === undefined && NO_PYTHON,
  },
  async (t) => {
    const stack = await startStack()
    t.teardown(() => stack.close())
    await stack.client.makeBucket(schema)
    await Promise.all(
      goldenNames().map((name) =>
        stack.client.putObject(schema, `tables/${name}/a.parquet`, Buffer.from(goldenBytes(name))),
      ),
    )
    const { stdout } = await promisify(execFile)(
      python ?? '',
      [script, stack.grpc, schema, golden],
      {
        timeout: 120_000,
      },
    )
    const checks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly check: string; readonly said: string })
    for (const { check, said } of checks) t.equal(said, '', check)
    t.ok(checks.length > goldenNames().length + 15, `${checks.length} checks`)
    t.strictSame(defectsIn(stack), [])
  },
)
