import t from 'tap'
import type { TableEntry } from '../../../service/credentials/role-rights.ts'
import { sessionPolicy } from '../../../service/credentials/session-policy.ts'

const scope = { bucketPrefix: '', tablesPath: 'lake/tables' }
const shown = (schema: string, table: string): TableEntry => ({ schema, table, isHidden: false })
const hidden = (schema: string, table: string): TableEntry => ({ schema, table, isHidden: true })

/** Resources by effect, without what stands before the bucket. */
function resourcesOf(entries: readonly TableEntry[], where = scope): Record<string, string[]> {
  const policy = JSON.parse(sessionPolicy(entries, where)) as {
    Statement: { Effect: string; Action: string[]; Resource: string[] }[]
  }
  return Object.fromEntries(
    policy.Statement.map(({ Effect, Resource }) => [
      Effect,
      Resource.map((resource) => resource.replace('arn:aws:s3:::', '')),
    ]),
  )
}

t.test('what is seen is allowed, below the folder of the tables', async (t) => {
  t.strictSame(resourcesOf([shown('sales', 'orders'), shown('hr-*', '*')]), {
    Allow: ['sales/lake/tables/orders/*', 'hr-*/lake/tables/*/*'],
  })
  t.strictSame(resourcesOf([shown('sales', 'orders')], { bucketPrefix: '', tablesPath: '' }), {
    Allow: ['sales/orders/*'],
  })
  const policy = sessionPolicy([shown('a', 'b')], scope)
  t.notMatch(policy, /List|Put|Delete/)
})

t.test('buckets are of lower case, tables as written and of lower case', async (t) => {
  t.strictSame(resourcesOf([shown('Sales', 'Orders')]), {
    Allow: ['sales/lake/tables/Orders/*', 'sales/lake/tables/orders/*'],
  })
})

t.test('buckets that are no schemas are not allowed', async (t) => {
  const where = { ...scope, bucketPrefix: 'lake-' }
  t.strictSame(resourcesOf([shown('*', 'a'), shown('la*', 'b'), shown('*x', 'c')], where), {
    Allow: ['lake-*/lake/tables/a/*', 'lake-*/lake/tables/b/*', '*x/lake/tables/c/*'],
  })
})

t.test('a hidden entry before another is denied', async (t) => {
  t.strictSame(resourcesOf([hidden('hr', 'pay*'), hidden('secret*', '*'), shown('*', '*')]), {
    Allow: ['*/lake/tables/*/*'],
    Deny: ['hr/lake/tables/pay*/*', 'secret*/lake/tables/*/*'],
  })
})

t.test('a hidden entry is not denied where that would deny something else', async (t) => {
  const allow = { Allow: ['hr/lake/tables/people/*', '*/lake/tables/*/*'] }
  const seen = shown('hr', 'people')
  for (const entry of [hidden('hr', '*'), hidden('HR', 'p*'), hidden('hr', 'People')])
    t.strictSame(resourcesOf([seen, entry, shown('*', '*')]), allow, entry.table)
  t.strictSame(
    resourcesOf([hidden('*', 'pay'), hidden('hr', '*pay'), hidden('hr', 'pa?'), shown('*', '*')]),
    { Allow: ['*/lake/tables/*/*'] },
    'a star of a policy also stands for slashes, so of folders inside of tables',
  )
  t.strictSame(resourcesOf([seen, hidden('hr', 'q*'), shown('*', '*')]), {
    ...allow,
    Deny: ['hr/lake/tables/q*/*'],
  })
})

t.test('entries that decide nothing are left out', async (t) => {
  t.strictSame(resourcesOf([shown('a', '*'), hidden('*', '*'), shown('b', '*')]), {
    Allow: ['a/lake/tables/*/*'],
  })
})

t.test('who sees no table is denied all', async (t) => {
  t.strictSame(resourcesOf([]), { Deny: ['*'] })
  t.strictSame(resourcesOf([hidden('*', '*'), shown('a', 'b')]), { Deny: ['*'] })
})

t.test('names are no part of the policy’s own language', async (t) => {
  t.strictSame(resourcesOf([shown('a', '${aws:username}'), shown('a', '"],"x":["')]), {
    Allow: ['a/lake/tables/?{aws:username}/*', 'a/lake/tables/"],"x":["/*'],
  })
  t.strictSame(
    resourcesOf([hidden('a', '${x}'), shown('*', '*')]),
    { Allow: ['*/lake/tables/*/*'] },
    'what cannot be said exactly is not denied',
  )
})
