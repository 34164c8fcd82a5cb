import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import type { Framing } from './arrow-messages.ts'
import { throwIfCancelled } from './invoke.ts'
import type { Invoke } from './invoke.ts'
import type { RequestContext, RequestEvent } from './requests.ts'
import type { Answer, Serde, TableReference } from './responses.ts'
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
  /** Changes the version of the protocol, once ping has told which one the connector speaks. */
  speak(serde: Serde): void
  /** How Arrow bytes are framed in this version of the protocol. */
  readonly framing: Framing
  /** Invocations by request type, retries included. */
  readonly invocations: Readonly<Record<string, number>>
  readonly retries: number
  readonly warnings: readonly string[]
  /** By `performance.now`. */
  readonly startMs: number
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

export function startSession({ invoke, context: first, retry }: SessionOptions): Session {
  let context = first
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
        await pause(waitMs * (0.5 + Math.random() / 2), signal)
      }
    }
  }
  const warn = (warning: string) => {
    if (warnings.size < warningsMax) warnings.add(warning)
  }
  return {
    get context() {
      return context
    },
    speak(serde) {
      context = { ...context, serde }
    },
    get framing() {
      return context.serde <= 2 ? 'legacy' : 'modern'
    },
    startMs: performance.now(),
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

async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(waitMs, undefined, { signal })
  } catch {
    throwIfCancelled(signal)
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
