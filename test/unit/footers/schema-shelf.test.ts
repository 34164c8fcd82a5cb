import t from 'tap'
import { parseFooter } from '../../../service/footers/parse-footer.ts'
import { SchemaShelf } from '../../../service/footers/schema-shelf.ts'
import { goldenBytes, goldenNames } from '../../support/golden-files.ts'
import { longs, sequence, writeParquet } from '../../support/write-parquet.ts'

const objectOf = (bytes: Uint8Array) => ({
  bucket: 'lake',
  key: 'file',
  sizeBytes: bytes.length,
})

t.test('files of one schema share it, files of another do not', async (t) => {
  const shelf = new SchemaShelf()
  const footers = [
    writeParquet([['id', longs(sequence(3, 0))]]),
    writeParquet([['id', longs(sequence(9, 5))]]),
    writeParquet([['key', longs(sequence(3, 0))]]),
  ].map((bytes) => parseFooter(bytes, objectOf(bytes), shelf))
  const [first, second, other] = footers
  t.equal(first?.columns, second?.columns)
  t.equal(first?.leaves, second?.leaves)
  t.equal(first?.rowCount, 3)
  t.equal(second?.rowCount, 9)
  t.not(other?.columns, first?.columns)
  t.equal(other?.columns[0]?.field.name, 'key')
})

t.test('what is read with the schemas of other files is what is read without', async (t) => {
  const shelf = new SchemaShelf()
  for (const name of [...goldenNames(), ...goldenNames()]) {
    const bytes = goldenBytes(name)
    const [shared, alone] = [shelf, undefined].map((one) =>
      parseFooter(bytes, objectOf(bytes), one),
    )
    t.strictSame(shared?.columns, alone?.columns, name)
    t.strictSame(shared?.leaves, alone?.leaves, name)
  }
})
