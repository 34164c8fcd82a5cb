import { signV4 } from 'minio/dist/esm/signing.mjs'
import t from 'tap'
import { Secret } from '../../../service/credentials/secret.ts'
import { getSigner } from '../../../service/objects/get-signer.ts'
import { signedGet } from '../../../service/objects/signed-get.ts'

const region = 'eu-central-1'
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const headers = { 'if-match': '"a  b"', range: 'bytes=0-9' }
const get = { host: 'store:9000', bucket: 'lake', key: "a b/ü'(1)*.parquet", headers }

t.test('requests are signed as minio signs them', async (t) => {
  const sign = getSigner(region)
  const dates = ['2026-11-21T23:59:59Z', '2026-11-22T00:00:00Z', '2026-11-22T00:00:01Z']
  const secrets = [new Secret('one'), new Secret('other'), new Secret('one')]
  const more = [{}, { versionId: 'a+/=b' }, { versionId: '7' }]
  const tokens = [undefined, new Secret('token/+='), undefined]
  for (const [at, text] of dates.entries()) {
    const [secretKey = new Secret(''), sessionToken] = [secrets[at], tokens[at]]
    const date = new Date(text)
    const credentials = { accessKey: 'me', secretKey, ...(sessionToken && { sessionToken }) }
    const sent = signedGet({ ...get, ...more[at] }, { sign, credentials, date }) ?? ''
    const [first = '', ...lines] = sent.split('\r\n')
    const [, path = ''] = first.split(' ')
    const fields = Object.fromEntries(
      lines
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const { authorization, ...others } = fields
    const form = { protocol: 'http:', method: 'GET', path, headers: others }
    t.equal(
      authorization,
      signV4(form, 'me', secretKey.reveal(), region, date, EMPTY_SHA256),
      `${text} ${path}`,
    )
    t.equal(others['x-amz-security-token'], sessionToken?.reveal())
  }
})

t.test('without keys nothing is signed', async (t) => {
  const credentials = { accessKey: '', secretKey: new Secret('') }
  const sent = signedGet(get, { sign: getSigner(region), credentials, date: new Date(0) })
  t.equal(
    sent,
    'GET /lake/a%20b/%C3%BC%27%281%29%2A.parquet HTTP/1.1\r\nuser-agent: spillway\r\n' +
      'host: store:9000\r\nif-match: "a  b"\r\nrange: bytes=0-9\r\n\r\n',
  )
})

t.test('what would end a line is not sent', async (t) => {
  const credentials = { accessKey: 'me', secretKey: new Secret('secret') }
  const by = { sign: getSigner(region), credentials, date: new Date(0) }
  t.equal(signedGet({ ...get, headers: { 'if-match': '"a\r\nb"' } }, by), undefined)
  t.equal(signedGet({ ...get, key: 'a\ud800b' }, by), undefined)
})
