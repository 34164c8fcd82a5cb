import t from 'tap'
import type { ArrowType } from '../../../service/arrow/arrow-type.ts'
import {
  narrowKinds,
  parsePartitionValue,
  partitionKinds,
  partitionsOf,
  typeOfKinds,
} from '../../../service/catalog/partitions.ts'

const inferred = (...texts: (string | null)[]): ArrowType =>
  typeOfKinds(texts.reduce(narrowKinds, partitionKinds))
const int = (bitWidth: 8 | 32 | 64): ArrowType => ({ kind: 'int', bitWidth, signed: true })
const utf8: ArrowType = { kind: 'utf8' }
const day: ArrowType = { kind: 'date', unit: 'day' }
const micros: ArrowType = { kind: 'timestamp', unit: 'microsecond', timezone: null }

t.test('reads the folders below the table, decoded, in order', async (t) => {
  const read = (path: string) =>
    partitionsOf(`t/${path}`, 't/').map(({ name, text }) => `${name}:${text ?? 'null'}`)
  t.strictSame(read('file.parquet'), [])
  t.strictSame(read('day=2026-11-02/city=M%C3%BCnchen/f.pq'), ['day:2026-11-02', 'city:München'])
  t.strictSame(read('a%3Db=x%2Fy/f'), ['a=b:x/y'])
  t.strictSame(read('a=b=c/f'), ['a:b=c'])
  t.strictSame(read('a=/f'), ['a:'])
  t.strictSame(read('a=50%/f'), ['a:50%'], 'a stray % is itself')
  t.strictSame(read('a=__HIVE_DEFAULT_PARTITION__/f'), ['a:null'])
  t.strictSame(read('a=1/plain/b=2/f'), ['a:1'], 'a plain folder ends them')
  t.strictSame(read('=1/f'), [])
  t.strictSame(read('a=1'), [], 'a file is no folder')
  t.throws(() => read('a=1/a=2/f'), { code: 'unsupported' })
})

t.test('infers the type that all values allow', async (t) => {
  t.strictSame(inferred('1', '-20', '0', null), int(32))
  t.strictSame(inferred('1', '2147483648'), int(64))
  t.strictSame(inferred('9223372036854775807'), int(64))
  t.strictSame(inferred('9223372036854775808'), utf8)
  t.strictSame(inferred('1', '01'), utf8, 'leading zeros are a name')
  t.strictSame(inferred('-0'), utf8)
  t.strictSame(inferred('1', 'x'), utf8)
  t.strictSame(inferred('2026-11-02', '2024-02-29'), day)
  t.strictSame(inferred('2026-11-02', '2025-02-29'), utf8, 'no such day')
  t.strictSame(inferred('2026-11-02 10:00:00', '2026-11-02T10:00:00.123456'), micros)
  t.strictSame(inferred('2026-11-02 24:00:00'), utf8)
  t.strictSame(inferred('2026-11-02', '2026-11-02 10:00:00'), utf8)
  t.strictSame(inferred(''), utf8)
  t.strictSame(inferred(null, null), utf8)
  t.strictSame(inferred('1e3'), utf8)
})

t.test('reads values as the type a door asks for', async (t) => {
  const dateMs: ArrowType = { kind: 'date', unit: 'millisecond' }
  t.equal(parsePartitionValue('1970-01-02', day), 1n)
  t.equal(parsePartitionValue('1969-12-31', day), -1n)
  t.equal(parsePartitionValue('0001-01-01', day), -719_162n)
  t.equal(parsePartitionValue('1970-01-01 00:00:01.5', micros), 1_500_000n)
  t.equal(parsePartitionValue('1969-12-31 23:59:59.999999', dateMs), -1n)
  t.equal(parsePartitionValue('12', int(64)), 12n)
  t.equal(parsePartitionValue('300', int(8)), undefined)
  t.strictSame(parsePartitionValue('ä', utf8), Buffer.from('ä'))
  t.equal(parsePartitionValue(null, int(64)), null)
  t.equal(parsePartitionValue('x', int(64)), undefined)
  t.equal(parsePartitionValue('true', { kind: 'bool' }), undefined)
})
