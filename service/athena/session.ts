import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import type { Framing } from './arrow-messages.ts'
import type { Invoke } from './invoke.ts'
import type { RequestContext, RequestEvent } from './requests.ts'
import type { Answer, TableReference } from './responses.ts'
import { broken } from './broken-rule.ts'

/** Different warnings kept for one query; later kinds are dropped. */
const warningsMax = 100

export interface RetryPolicy {
  /** Invocations of one request in all, the first included. */
  readonly attempts: number
  /** Wait before the second attempt, doubled for each later one, in milliseconds. */
  readonly delayMs: number
  readonly delayMsMax: number
}

/** The SDK's first and longest back-off (`throttle_initial_delay_ms`, `throttle_max_delay_ms`). */
export const defaultRetry: RetryPolicy = { attempts: 5, delayMs: 10, delayMsMax: 1000 }

/** One query's conversation with a connector: asks, tries again, counts and collects warnings. */
export interface Session {
  readonly context: RequestContext
  /** How Arrow bytes are framed in this version of the protocol. */
  readonly framing: Framing
  /** Invocations by request type, retries included. */
  readonly invocations: Readonly<Record<string, number>>
  readonly retries: number
  readonly warnings: readonly string[]
  /**
   * Every request of the protocol may be repeated, so throttled and broken-off ones are.
   * Throws what the last attempt threw: `functionFailure` and `brokenRule` tell which it was.
   */
  ask<T extends { readonly catalogName: string }>(
    event: RequestEvent,
    read: (answer: unknown) => Answer<T>,
    signal: AbortSignal,
  ): Promise<T>
  warn(warning: string): void
}

export interface SessionOptions {
  readonly invoke: Invoke
  readonly context: RequestContext
  readonly retry: RetryPolicy
}

export function startSession({ invoke, context, retry }: SessionOptions): Session {
  const invocations: Record<string, number> = {}
  const warnings = new Set<string>()
  let retries = 0

  const attempt = async (event: RequestEvent, signal: AbortSignal): Promise<unknown> => {
    for (let tried = 1; ; tried += 1) {
      invocations[event['@type']] = (invocations[event['@type']] ?? 0) + 1
      try {
        return await invoke(event, signal)
      } catch (reason) {
        if (tried >= retry.attempts || !isWorthAnotherTry(reason)) throw reason
        retries += 1
        const waitMs = Math.min(retry.delayMsMax, retry.delayMs * 2 ** (tried - 1))
        await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal })
      }
    }
  }
  const warn = (warning: string) => {
    if (warnings.size < warningsMax) warnings.add(warning)
  }
  return {
    context,
    framing: context.serde <= 2 ? 'legacy' : 'modern',
    invocations,
    get retries() {
      return retries
    },
    get warnings() {
      return [...warnings]
    },
    async ask(event, read, signal) {
      const { value, trailing } = read(await attempt(event, signal))
      assertEcho('catalogName', context.catalogName, value.catalogName)
      if (trailing.length > 0)
        warn(`the answer to ${event['@type']} ends with unknown keys: ${trailing.join(', ')}`)
      return value
    },
    warn,
  }
}

function isWorthAnotherTry(reason: unknown): boolean {
  return reason instanceof GatewayError && (reason.code === 'busy' || reason.code === 'unavailable')
}

/** Refuses an answer that does not repeat a name of its request. */
export function assertEcho(what: string, wanted: string, found: string): void {
  if (wanted !== found)
    throw broken('echo', `${what} must come back as "${wanted}", not as "${found}"`)
}

export function assertTableEcho(wanted: TableReference, found: TableReference): void {
  assertEcho('tableName.schemaName', wanted.schemaName, found.schemaName)
  assertEcho('tableName.tableName', wanted.tableName, found.tableName)
}
