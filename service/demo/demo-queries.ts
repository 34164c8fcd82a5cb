import type { Where } from '../athena/where.ts'

/** One query of the demo: as an analyst writes it, and as Athena hands it down. */
export interface DemoQuery {
  readonly title: string
  readonly sql: string
  readonly table: string
  readonly columns?: readonly string[]
  readonly where?: Where
  readonly limit?: number
}

/** From a whole scan to a few rows. */
export const demoQueries: readonly DemoQuery[] = [
  {
    title: 'A full read: more than Lambda may answer, so it spills',
    sql: 'SELECT * FROM orders',
    table: 'orders',
  },
  {
    title: 'A selective one: a day and a span of order numbers',
    sql: `SELECT * FROM orders WHERE day = DATE '2026-11-02' AND order_id BETWEEN 140000 AND 140099`,
    table: 'orders',
    where: { day: '2026-11-02', order_id: { ge: 140_000, le: 140_099 } },
  },
  {
    title: 'A projection: two columns of eight',
    sql: `SELECT city, amount FROM orders WHERE day >= DATE '2026-11-15'`,
    table: 'orders',
    columns: ['city', 'amount'],
    where: { day: { ge: '2026-11-15' } },
  },
  {
    title: 'A LIMIT: reading stops when there are enough rows',
    sql: 'SELECT order_id, created_at, channel FROM orders LIMIT 10',
    table: 'orders',
    columns: ['order_id', 'created_at', 'channel'],
    limit: 10,
  },
  {
    title: 'Nested types: rows, arrays and maps',
    sql: 'SELECT * FROM devices WHERE device_id < 4',
    table: 'devices',
    where: { device_id: { lt: 4 } },
  },
  {
    title: 'A small table, answered inline',
    sql: 'SELECT * FROM cities',
    table: 'cities',
  },
]
