import t from 'tap'
import { certificateNames } from '../../../service/credentials/certificate-names.ts'

t.test('names come with their kinds', async (t) => {
  t.strictSame(
    certificateNames('DNS:etl.example.com, URI:spiffe://lake/etl, IP Address:10.0.0.1'),
    ['DNS:etl.example.com', 'URI:spiffe://lake/etl', 'IP Address:10.0.0.1'],
  )
  t.strictSame(certificateNames(''), [])
})

t.test('a name that holds another one is one name', async (t) => {
  const inside = 'http://example.com/, DNS:etl.example.com'
  t.strictSame(certificateNames(`URI:${JSON.stringify(inside)}, DNS:other.example`), [
    `URI:${inside}`,
    'DNS:other.example',
  ])
})

t.test('text that is not understood names nobody more', async (t) => {
  t.strictSame(certificateNames('DNS:a.example, nonsense, DNS:b.example'), ['DNS:a.example'])
  t.strictSame(certificateNames('URI:"unended, DNS:b.example'), [])
  t.strictSame(certificateNames('URI:a"b, DNS:b.example'), [])
})
