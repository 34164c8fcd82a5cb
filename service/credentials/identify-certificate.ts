import type { Caller } from './caller.ts'
import type { KnownCaller } from './callers-file.ts'

/** Who is named by a verified certificate; undefined: nobody, or more than one. */
export function identifyCertificate(
  callers: readonly KnownCaller[],
  names: readonly string[],
): Caller | undefined {
  const shown = new Set(names.map(comparable))
  const found = callers.filter(({ certificates }) =>
    certificates.some((name) => shown.has(comparable(name))),
  )
  return found.length === 1 ? found[0]?.caller : undefined
}

/** Case counts in URIs, and before the @ of an address; hosts have none. */
function comparable(name: string): string {
  return name.startsWith('DNS:') ? name.toLowerCase() : name
}
