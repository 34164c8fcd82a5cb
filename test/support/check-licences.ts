import { join } from 'node:path'
import { licenceFindings } from './licences.ts'

// Fails when a package that users get has a licence that is not on the list.
//   npm run check:licences

const { findings, packageCount } = await licenceFindings(join(import.meta.dirname, '../..'))
for (const finding of findings) process.stdout.write(`${finding}\n`)
process.stdout.write(`${packageCount} packages of production, ${findings.length} refused\n`)
process.exitCode = findings.length > 0 || packageCount === 0 ? 1 : 0
