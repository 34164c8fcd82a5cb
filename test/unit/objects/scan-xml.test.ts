import { XMLParser } from 'fast-xml-parser'
import t from 'tap'
import { scanXml } from '../../../service/objects/scan-xml.ts'

const many = new Set(['One'])
const parser = new XMLParser({
  ignoreDeclaration: true,
  parseTagValue: false,
  processEntities: false,
  trimValues: false,
  isArray: (name) => many.has(name),
})

t.test('plain documents are read as fast-xml-parser reads them', async (t) => {
  const documents = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<All xmlns="http://x/"><One><Key>a&amp;b</Key></One></All>\n',
    '<All><One><Key> blank </Key><Size>3</Size></One><One><Key/><Size></Size></One></All>',
    '<All a="1" b:c="2"><Cut>false</Cut><One>x</One></All>',
    '<All><One/><Other><One><Deep>1</Deep></One></Other></All>',
  ]
  for (const text of documents) {
    t.strictSame(plain(scanXml(text, many)), plain(parser.parse(text)), text)
  }
})

t.test('what is not plain is left to the parser', async (t) => {
  const documents = [
    '<All><!-- <One/> --></All>',
    '<All><One><![CDATA[a<b]]></One></All>',
    '<All><Key>1</Key><Key>2</Key></All>',
    '<All a="x>y"></All>',
    '<All><One></All></One>',
    '<All><One></One>',
    '<All></All></All>',
    '<All',
    'text',
    '',
  ]
  for (const text of documents.slice(0, -1)) t.equal(scanXml(text, many), undefined, text)
  t.strictSame(plain(scanXml('', many)), {})
})

t.test('names of the language are names like others', async (t) => {
  const read = scanXml('<All><__proto__>x</__proto__></All>', many)
  t.strictSame(Object.keys(read?.['All'] ?? {}), ['__proto__'])
})

/** Without prototypes, which differ. */
function plain(node: unknown): unknown {
  return JSON.parse(JSON.stringify(node))
}
