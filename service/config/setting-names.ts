/** Every SPILLWAY_ name the gateway reads. */
const names: ReadonlySet<string> = new Set([
  'SPILLWAY_HTTP_ADDRESS',
  'SPILLWAY_GRPC_ADDRESS',
  'SPILLWAY_METRICS_ADDRESS',
  'SPILLWAY_STORE_URL',
  'SPILLWAY_STORE_ACCESS_KEY',
  'SPILLWAY_STORE_SECRET_KEY',
  'SPILLWAY_STORE_SESSION_TOKEN',
  'SPILLWAY_STORE_CREDENTIALS',
  'SPILLWAY_STORE_CREDENTIALS_MODULE',
  'SPILLWAY_STORE_TOKEN_FILE',
  'SPILLWAY_STORE_STS_URL',
  'SPILLWAY_STORE_ROLE_ARN',
  'SPILLWAY_STORE_SESSION_PER_CALLER',
  'SPILLWAY_STORE_CA_FILE',
  'SPILLWAY_STORE_REGION',
  'SPILLWAY_TLS_CERT_FILE',
  'SPILLWAY_TLS_KEY_FILE',
  'SPILLWAY_TLS_CLIENT_CA_FILE',
  'SPILLWAY_TICKET_KEYS',
  'SPILLWAY_ALLOW_ANONYMOUS',
  'SPILLWAY_CALLERS_FILE',
  'SPILLWAY_LISTING_TTL',
  'SPILLWAY_LOG_LEVEL',
  'SPILLWAY_WORKERS',
  'SPILLWAY_DECODER',
  'SPILLWAY_MEMORY_BYTES',
  'SPILLWAY_QUARANTINE',
  'SPILLWAY_FOOTER_CACHE_BYTES',
  'SPILLWAY_BYTE_CACHE_BYTES',
  'SPILLWAY_CACHE_DIRECTORY',
  'SPILLWAY_CACHE_DIRECTORY_BYTES',
  'SPILLWAY_SCHEMA_MODE',
  'SPILLWAY_SPLIT_BYTES',
  'SPILLWAY_SHUTDOWN_TIMEOUT',
])

/** Names that belong to the shim, the tests and the demo: allowed beside ours. */
const foreign =
  /^SPILLWAY_(TEST_|REQUIRE_|DEMO_|GATEWAY$|GATEWAY_CA_FILE$|TOKEN$|TOKEN_SECRET$|SPILL_PATH_STYLE$)/

/** What is wrong with a name, if anything; names that are not ours at all are nobody's problem. */
export function nameProblem(name: string): string | undefined {
  if (!name.startsWith('SPILLWAY_') || names.has(name)) return undefined
  return foreign.test(name) ? undefined : `${name}: no such setting${nearest(name)}`
}

/** ` (did you mean …?)` for a name one or two letters off. */
function nearest(name: string): string {
  const candidates = [...names].map((known) => ({ known, distance: editDistance(name, known) }))
  const best = candidates.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= 3 ? ` (did you mean ${best.known}?)` : ''
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1] ? 0 : 1
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + same,
        ),
      )
    }
    previous = current
  }
  return previous[right.length] ?? 0
}
