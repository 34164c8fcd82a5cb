import t from 'tap'
import { alignedTable } from '../../../service/arrow/aligned-table.ts'

t.test('numbers stand right, text left, and nothing that a terminal would obey', async (t) => {
  const columns = [
    { name: 'id', type: 'int64', isRight: true },
    { name: 'note', type: 'utf8', isRight: false },
  ]
  const rows = [
    ['1', 'a\u001B[31m\nb'],
    ['12345678', 'x'.repeat(50)],
  ]
  t.equal(
    alignedTable(columns, rows),
    [
      '      id  note',
      '   int64  utf8',
      `────────  ${'─'.repeat(40)}`,
      '       1  a·[31m·b',
      `12345678  ${'x'.repeat(39)}…`,
      '',
    ].join('\n'),
  )
})
