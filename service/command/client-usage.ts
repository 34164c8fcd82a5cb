import type { ClientCommand } from './client-options.ts'

const origin = `  --gateway HOST:PORT    the gateway to ask (default: SPILLWAY_GATEWAY, else 127.0.0.1:8815)
  --token TOKEN          who asks (default: SPILLWAY_TOKEN)
  --tls                  speak TLS; --tls-ca FILE trusts a private authority,
                         --tls-cert FILE and --tls-key FILE show a certificate
  --local DIR            no gateway: read DIR/SCHEMA/TABLE/*.parquet in this process
`

const request = `  --columns a,b          these columns, in this order
  --where "CONDITION"    rows of which a SQL condition is true: price > 10 AND day = DATE '2026-11-02'
  --limit N              no more rows
`

const texts: Readonly<Record<ClientCommand, string>> = {
  tables: `usage: spillway tables [SCHEMA] [options]

Names of all tables, or of those of a schema, one a line.

${origin}`,
  describe: `usage: spillway describe SCHEMA.TABLE [options]

Columns with their Arrow types, and the size of the table.

${origin}`,
  plan: `usage: spillway plan SCHEMA.TABLE [options]

What a read would do: what is read, what is left out and why. No data is read.

${request}  --endpoints N          cut into at most so many splits
${origin}`,
  read: `usage: spillway read SCHEMA.TABLE [options]

Rows: a table on a terminal, else CSV.

${request}  --format FORMAT        table, csv, json (an object a line) or arrow (an IPC stream)
  --output FILE          into a file, which appears when it is whole
${origin}`,
}

/** How a command is used. */
export function clientUsage(command: ClientCommand): string {
  return texts[command]
}
