import t from 'tap'
import { ConnectorError, errorOfStatus, oneLine } from '../../../shim-lambda/errors.ts'

const name = 'com.amazonaws.athena.connector.lambda.exceptions.AthenaConnectorException'

t.test('begins with its code, on one line, under the name Athena knows', async (t) => {
  const error = new ConnectorError('too_large', 'a\nb\tc\u2028d')
  t.match(error, { name, code: 'too_large', text: 'a b c d', message: 'too_large: a b c d' })
})

t.test('cuts long texts', async (t) => {
  t.equal(oneLine('x'.repeat(5_000)).length, 1_001)
})

t.test('keeps what it knows and hides what it does not', async (t) => {
  const known = new ConnectorError('busy', 'later')
  t.equal(ConnectorError.from(known), known)
  const secret = new Error('password=hunter2')
  const unknown = ConnectorError.from(secret)
  t.equal(unknown.code, 'internal')
  t.equal(unknown.cause, secret)
  t.notOk(unknown.message.includes('hunter2'))
  t.equal(ConnectorError.from('a text').code, 'internal')
})

t.test('says that the time was up', async (t) => {
  const reason = new DOMException('the operation timed out', 'TimeoutError')
  t.equal(ConnectorError.from(reason).code, 'deadline_exceeded')
})

t.test('takes the code of the trailer and does not say it twice', async (t) => {
  const status = { code: 14, details: 'busy: 40 reads run', trailerCode: 'busy' }
  t.equal(errorOfStatus(status, 'g:1', null).message, 'busy: 40 reads run')
})

t.test('derives a code where the gateway said none, and names the gateway', async (t) => {
  const of = (code: number, trailerCode: string | null = null) =>
    errorOfStatus({ code, details: 'why', trailerCode }, 'g:1', null)
  t.equal(of(14).message, 'unavailable: gateway g:1: why')
  t.equal(of(4).code, 'deadline_exceeded')
  t.equal(of(8).code, 'too_large')
  t.equal(of(2).code, 'internal')
  t.equal(of(99).code, 'internal')
  t.equal(of(5, 'made_up').code, 'table_not_found', 'an unknown word counts as none')
})
