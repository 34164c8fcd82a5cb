import { EventEmitter } from 'node:events'
import type { ServerUnaryCall } from '@grpc/grpc-js'
import t from 'tap'
import { callSignal } from '../../../service/grpc/call-signal.ts'

function fakeCall(deadline: Date | number) {
  const events = new EventEmitter()
  const call = Object.assign(events, { getDeadline: () => deadline })
  return { call: call as unknown as ServerUnaryCall<unknown, unknown>, events }
}

t.test('a caller who goes away aborts the signal as cancelled', async (t) => {
  for (const deadline of [Infinity, new Date(Date.now() + 60_000)]) {
    const { call, events } = fakeCall(deadline)
    const { signal } = callSignal(call)
    t.equal(signal.aborted, false)
    events.emit('cancelled')
    t.equal(signal.aborted, true)
    t.match(signal.reason, { code: 'cancelled' })
  }
})

t.test('a deadline that passed is told apart', async (t) => {
  const { call, events } = fakeCall(new Date(Date.now() - 1))
  const { signal } = callSignal(call)
  events.emit('cancelled')
  t.match(signal.reason, { code: 'deadline_exceeded' })
})

t.test('a deadline that passed on the way aborts at once', async (t) => {
  for (const [deadline, isLate] of [
    [Date.now(), true],
    [Date.now() + 60_000, false],
    [Infinity, false],
  ] as const) {
    t.equal(callSignal(fakeCall(deadline).call).signal.aborted, isLate)
  }
})

t.test('after the answer nothing is aborted', async (t) => {
  const { call, events } = fakeCall(Infinity)
  const life = callSignal(call)
  life.finish()
  events.emit('cancelled')
  t.equal(life.signal.aborted, false)
})
