import assert from 'node:assert/strict'
import type { Metadata } from '@grpc/grpc-js'
import type { Caller } from '../credentials/caller.ts'

/** Callers of the calls that were let in, by the metadata each call came with. */
const callers = new WeakMap<Metadata, Caller>()

/** Who makes a call that was let in. */
export function callerOf({ metadata }: { readonly metadata: Metadata }): Caller {
  const caller = callers.get(metadata)
  assert(caller, 'a call was let in without its caller')
  return caller
}

/** Remembers who makes the call that came with this metadata. */
export function keepCaller(metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller)
}
