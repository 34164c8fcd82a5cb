/** What an element holds: text as it stands, or elements by their names. */
export type XmlNode = string | XmlElements
export interface XmlElements {
  [name: string]: XmlNode | XmlNode[]
}

/** One tag and the text behind it. Comments, CDATA and instructions are none. */
const tag = /<(?:\/([\w.-]+)|([\w.-]+)(?:\s+[\w:.-]+="[^"<>]*")*)\s*(\/?)>([^<]*)/y
const declaration = /^\s*<\?xml [^<>]*\?>\s*/

interface OpenElement {
  readonly name: string
  readonly elements: XmlElements
  isLeaf: boolean
  text: string
}

/**
 * Reads a plain document, entities left as they are, in a tenth of the time that fast-xml-parser takes: pages of
 * listing are long. `many` are the names that give lists.
 *
 * @returns undefined when it is not plain: comments, CDATA, another name twice, or not well-formed.
 */
export function scanXml(text: string, many: ReadonlySet<string>): XmlElements | undefined {
  const root = openElement('', '')
  const open = [root]
  const end = text.trimEnd().length
  tag.lastIndex = declaration.exec(text)?.[0].length ?? 0
  for (let at = tag.lastIndex; at < end; at = tag.lastIndex) {
    const [, closed, opened, empty, behind = ''] = tag.exec(text) ?? []
    if (opened !== undefined) open.push(openElement(opened, behind))
    if (opened !== undefined && empty === '') continue
    const element = open.pop()
    const parent = open.at(-1)
    if (element === undefined || parent === undefined) return undefined
    if (opened === undefined && element.name !== closed) return undefined
    if (!add(parent, element, many)) return undefined
  }
  return open.length === 1 ? root.elements : undefined
}

function openElement(name: string, text: string): OpenElement {
  return { name, elements: Object.create(null) as XmlElements, isLeaf: true, text }
}

/** False: the name stands twice. */
function add(parent: OpenElement, element: OpenElement, many: ReadonlySet<string>): boolean {
  const { name } = element
  const node = element.isLeaf ? element.text : element.elements
  parent.isLeaf = false
  const before = parent.elements[name]
  if (many.has(name)) {
    if (Array.isArray(before)) before.push(node)
    else parent.elements[name] = [node]
    return true
  }
  parent.elements[name] = node
  return before === undefined
}
