import type { Random } from './rights-conditions.ts'
import { pick, randomCondition } from './rights-conditions.ts'
import type { WorldCaller, WorldEntry, WorldTable } from './rights-world.ts'
import { worldColumns } from './rights-world.ts'

const CALLERS = 24

/** Callers whose rules are random, and one that may see all tables whole. */
export function worldCallers(random: Random, tables: readonly WorldTable[]): WorldCaller[] {
  const everything: WorldEntry = { schema: '*', table: '*' }
  return Array.from({ length: CALLERS }, (_, at): WorldCaller => {
    const count = 1 + random(5)
    const some = Array.from({ length: count }, () => entryOf(random, tables))
    const name = `caller-${at}`
    return { name, token: `token-of-${name}`, entries: at === 0 ? [everything] : some }
  })
}

function entryOf(random: Random, tables: readonly WorldTable[]): WorldEntry {
  const like = pick(random, tables)
  const schema = pick(random, [like.schema, like.schema, 'rights-*', '*'])
  const table = pick(random, [like.table, like.table, 'tabp*', '*'])
  if (random(6) === 0) return { schema, table, hidden: true }
  const columns = worldColumns.filter(() => random(3) === 0)
  const kind = columns.length === 0 ? 0 : random(3)
  return {
    schema,
    table,
    ...(kind === 1 && { columns: { allow: [...columns, 'colid'] } }),
    ...(kind === 2 && { columns: { deny: columns } }),
    ...(random(2) === 0 && { rows: randomCondition(random, like.rows) }),
  }
}
