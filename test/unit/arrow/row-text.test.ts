import t from 'tap'
import type { ArrowType, Field } from '../../../service/arrow/arrow-type.ts'
import type { TextFormat } from '../../../service/arrow/row-text.ts'
import { rowsText, textHead } from '../../../service/arrow/row-text.ts'
import type { Value } from '../../support/columns.ts'
import { columnOf, field, int, listOf, mapOf, structOf, utf8 } from '../../support/columns.ts'

function written(format: TextFormat, type: ArrowType, values: readonly Value[]): string[] {
  const fields = [field('a', type)]
  const before = values.length > 0 ? [values[0] ?? null] : []
  const columns = [columnOf(type, values, before)]
  const text = rowsText(format, fields, [{ columns, start: 0, count: values.length }])
  return text.split(format === 'csv' ? '\r\n' : '\n').slice(0, -1)
}

/** What stands for each value alone in CSV, and in JSON. */
function cells(type: ArrowType, values: readonly Value[]): readonly (readonly string[])[] {
  const csv = written('csv', type, values)
  const json = written('ndjson', type, values).map((line) => line.slice('{"a":'.length, -1))
  return values.map((_, row) => [csv[row] ?? '', json[row] ?? ''])
}

const stamp = (unit: 'second' | 'nanosecond', timezone: string | null): ArrowType => ({
  kind: 'timestamp',
  unit,
  timezone,
})

t.test('numbers are exact', async (t) => {
  t.strictSame(cells(int(64), [2n ** 63n - 1n, -(2n ** 63n), null]), [
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['', 'null'],
  ])
  t.strictSame(cells(int(64, false), [2n ** 64n - 1n]), [
    ['18446744073709551615', '18446744073709551615'],
  ])
  t.strictSame(cells(int(8, false), [255]), [['255', '255']])
  const decimal: ArrowType = { kind: 'decimal', precision: 38, scale: 3, bitWidth: 128 }
  t.strictSame(cells(decimal, [-5n, 10n ** 37n]), [
    ['-0.005', '"-0.005"'],
    [`1${'0'.repeat(34)}.000`, `"1${'0'.repeat(34)}.000"`],
  ])
  const double: ArrowType = { kind: 'float', bitWidth: 64 }
  t.strictSame(cells(double, [0.1, -0, Number.NaN, -Infinity]), [
    ['0.1', '0.1'],
    ['-0', '-0'],
    ['NaN', '"NaN"'],
    ['-Infinity', '"-Infinity"'],
  ])
})

t.test('moments are ISO 8601 with the digits of their unit', async (t) => {
  const day: ArrowType = { kind: 'date', unit: 'day' }
  const days = [0, 19_782, 2_932_897, -719_529]
  t.strictSame(
    cells(day, days).map(([text]) => text),
    ['1970-01-01', '2024-02-29', '+010000-01-01', '-000001-12-31'],
  )
  t.strictSame(cells(stamp('nanosecond', null), [-1n, 1_709_210_096_789_000_001n]), [
    ['1969-12-31T23:59:59.999999999', '"1969-12-31T23:59:59.999999999"'],
    ['2024-02-29T12:34:56.789000001', '"2024-02-29T12:34:56.789000001"'],
  ])
  t.strictSame(cells(stamp('second', 'Europe/Berlin'), [0n]), [
    ['1970-01-01T00:00:00Z', '"1970-01-01T00:00:00Z"'],
  ])
  const clock: ArrowType = { kind: 'time', unit: 'millisecond', bitWidth: 32 }
  t.strictSame(cells(clock, [3_600_001]), [['01:00:00.001', '"01:00:00.001"']])
})

t.test('CSV is quoted where it must be, and null is not empty text', async (t) => {
  t.strictSame(cells(utf8, ['a,b', 'say "hi"', 'two\nlines', '', null, 'ä😀']), [
    ['"a,b"', '"a,b"'],
    ['"say ""hi"""', '"say \\"hi\\""'],
    ['"two\nlines"', '"two\\nlines"'],
    ['""', '""'],
    ['', 'null'],
    ['ä😀', '"ä😀"'],
  ])
  const head = textHead('csv', [field('a', utf8), field('b,c', utf8)] satisfies Field[])
  t.equal(head, 'a,"b,c"\r\n')
  t.equal(textHead('ndjson', [field('a', utf8)]), '')
})

t.test('nested values are JSON in both', async (t) => {
  t.strictSame(
    cells(listOf(int(32)), [[1, null], [], null]).map(([, json]) => json),
    ['[1,null]', '[]', 'null'],
  )
  t.equal(cells(listOf(utf8), [['a', 'b']])[0]?.[0], '"[""a"",""b""]"')
  t.equal(cells(structOf({ x: int(64), y: utf8 }), [[1n, 'z']])[0]?.[1], '{"x":1,"y":"z"}')
  t.equal(cells(mapOf(utf8, int(32)), [[['k', 1]]])[0]?.[1], '{"k":1}')
  t.equal(cells(mapOf(int(32), utf8), [[[7, 'v']]])[0]?.[1], '[[7,"v"]]')
})

t.test('bytes are base64, a UUID is its text', async (t) => {
  const bytes = Uint8Array.of(0, 255)
  t.strictSame(cells({ kind: 'binary' }, [bytes]), [['AP8=', '"AP8="']])
  const type: ArrowType = { kind: 'fixed_size_binary', byteWidth: 16 }
  const uuid: Field = { ...field('a', type), metadata: { 'ARROW:extension:name': 'arrow.uuid' } }
  const columns = [columnOf(type, [Uint8Array.from({ length: 16 }, (_, at) => at)])]
  const text = rowsText('csv', [uuid], [{ columns, start: 0, count: 1 }])
  t.equal(text, '00010203-0405-0607-0809-0a0b0c0d0e0f\r\n')
})

t.test('text that is not UTF-8 is an error, not another text', async (t) => {
  const column = columnOf({ kind: 'binary' }, [Uint8Array.of(0xff)])
  const columns = [{ ...column, type: utf8 }]
  t.throws(() => rowsText('csv', [field('a', utf8)], [{ columns, start: 0, count: 1 }]), {
    code: 'unreadable_file',
    message: /"a" holds text that is not UTF-8/,
  })
})
