import t from 'tap'
import { parseBuckets, parseListing, parseRefusal } from '../../../service/objects/s3-answers.ts'

const request = { bucket: 'lake', prefix: '', shallow: false }

function listing(contents: string, rest = '<IsTruncated>false</IsTruncated>'): string {
  return `<?xml version="1.0"?>\n<ListBucketResult xmlns="x">${rest}${contents}</ListBucketResult>\n`
}

function content(key: string): string {
  return `<Contents><Key>${key}</Key><LastModified>2026-11-02T10:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>3</Size></Contents>`
}

t.test('keys are decoded once, and only when the store encoded them', async (t) => {
  const written = ['a%2Bb+c', ' blank ', '&lt;&amp;amp;&gt;', '&#x1;&#233;', '007', '1e3', 'true']
  const keysIn = (rest: string): string[] =>
    parseListing(listing(written.map(content).join(''), rest), request, 0).objects.map(
      (object) => object.key,
    )
  t.strictSame(keysIn('<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>'), [
    'a+b c',
    ' blank ',
    '<&amp;>',
    '\u0001é',
    '007',
    '1e3',
    'true',
  ])
  t.strictSame(keysIn('<IsTruncated>false</IsTruncated><EncodingType/>')[0], 'a%2Bb+c')
})

t.test('a full page of entities is no attack', async (t) => {
  const contents = Array.from({ length: 1_000 }, (_, at) => content(`&lt;&gt;&amp;${at}`)).join('')
  const { objects } = parseListing(listing(contents), request, 0)
  t.equal(objects.length, 1_000)
  t.strictSame(objects[999], {
    bucket: 'lake',
    key: '<>&999',
    etag: 'e',
    sizeBytes: 3,
    modifiedMs: Date.parse('2026-11-02T10:00:00Z'),
  })
})

t.test('what could lose objects is no listing', async (t) => {
  const whole = listing(content('a') + content('b'))
  const broken = [
    whole.slice(0, -30),
    whole.slice(0, whole.indexOf('<Contents>')),
    listing(content('a'), ''),
    listing(content('a'), '<IsTruncated>true</IsTruncated>'),
    listing(content('')),
    listing(content('a').replace('<Size>3</Size>', '')),
    listing(content('a').replace('3', '-3')),
    '<html>hello</html>',
    '{"not":"xml"}',
    '',
  ]
  for (const text of broken)
    t.throws(() => parseListing(text, request, 0), { code: 'unavailable' }, text.slice(0, 60))
  t.throws(() => parseListing(whole, { ...request, prefix: 'sales/' }, 0), { message: /outside/ })
})

t.test('buckets, none too', async (t) => {
  const bucket = '<Bucket><Name>lake</Name></Bucket>'
  const wrap = (inner: string): string =>
    `<ListAllMyBucketsResult><Owner><ID>x</ID></Owner>${inner}</ListAllMyBucketsResult>`
  t.strictSame(parseBuckets(wrap(`<Buckets>${bucket}</Buckets>`)), ['lake'])
  t.strictSame(parseBuckets(wrap('<Buckets/>')), [])
})

t.test('a refusal keeps the code of the store, whatever else it says', async (t) => {
  const text = '<Error><Code>SlowDown</Code><Message>slow &amp; steady</Message></Error>'
  t.match(parseRefusal(503, text), { status: 503, code: 'SlowDown', message: 'slow & steady' })
  for (const junk of ['', '<html><body>Bad Gateway', 'text', '<Error><Code>'])
    t.match(parseRefusal(502, junk), { status: 502, code: '' })
})
