import {
  footerTree,
  headerTree,
  type PagePart,
  type ParquetParts,
  withFooter,
  withHeader,
} from './parquet-parts.ts'
import { fieldsOf, type FoundField, type ThriftNode, type ThriftStruct } from './thrift-tree.ts'

/**
 * What a reader owes after a change, if it does not refuse the file: the very rows, where a change touches only
 * what describes the data; as many rows, where it touches what the data mean (types, encodings, levels, indices,
 * coded values), because nobody can know that they were others.
 */
export type Promised = 'same rows' | 'same count'

export interface Mutant {
  readonly bytes: Uint8Array
  readonly what: string
  readonly promised: Promised
}

/** From 0 to below 1. */
export type Random = () => number

/**
 * Fields of parquet.thrift's FileMetaData that say what the data mean: the schema (2.…), key-values (5.…, they hold
 * ARROW:schema), the codec (…3.4), and where pages begin (…3.9 and …3.11, which may be made another column's).
 */
const meaningOfFooter = /^(2|5)(\.|$)|^4$|^4\.1$|^4\.1\.3\.(4|9|11)$/

/** Of PageHeader: the encodings of values. */
const meaningOfHeader = /^(5\.2|8\.4)$/

const upTo = (random: Random, end: number): number => Math.floor(random() * end)

function oneOf<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[upTo(random, choices.length)]
  if (choice === undefined) throw new Error('nothing to choose from')
  return choice
}

/** One to three changes of one kind, so that its promise holds for all of them. */
export function mutate(parts: ParquetParts, random: Random): Mutant {
  const kinds = [mutateFooter, mutateFooter, mutateHeader, mutateHeader, mutateBody, mutateBytes]
  return oneOf(random, kinds)(parts, random)
}

function mutateFooter(parts: ParquetParts, random: Random): Mutant {
  const footer = footerTree(parts)
  const whats: string[] = []
  let isMeaning = false
  for (let left = 1 + upTo(random, 3); left > 0; left--) {
    const found = oneOf(random, [...fieldsOf(footer)])
    isMeaning ||= meaningOfFooter.test(found.path)
    whats.push(`footer ${found.path}: ${changeField(found, footer, random)}`)
  }
  const bytes = withFooter(parts.bytes.subarray(0, parts.footerStart), footer)
  return { bytes, what: whats.join('; '), promised: isMeaning ? 'same count' : 'same rows' }
}

function mutateHeader(parts: ParquetParts, random: Random): Mutant {
  if (parts.pages.length === 0) return mutateFooter(parts, random)
  const page = oneOf(random, parts.pages)
  const header = headerTree(parts, page)
  const found = oneOf(random, [...fieldsOf(header)])
  const change = changeField(found, header, random)
  return {
    bytes: withHeader(parts, page, header),
    what: `header at ${page.headerStart} ${found.path}: ${change}`,
    promised: meaningOfHeader.test(found.path) ? 'same count' : 'same rows',
  }
}

/**
 * Levels, dictionary indices, delta headers, lengths of texts, and the coded stream where a codec hides them: mostly
 * at the beginning of a page, where structure lies.
 */
function mutateBody(parts: ParquetParts, random: Random): Mutant {
  const pages = parts.pages.filter(({ bodyStart, bodyEnd }) => bodyEnd > bodyStart)
  if (pages.length === 0) return mutateBytes(parts, random)
  const page = oneOf(random, pages)
  const bytes = Uint8Array.from(parts.bytes)
  const whats: string[] = []
  for (let left = 1 + upTo(random, 3); left > 0; left--) {
    const at = placeInBody(page, random)
    bytes[at] = oneOf(random, [0, 1, 0x7f, 0x80, 0xff, upTo(random, 256), (bytes[at] ?? 0) ^ 1])
    whats.push(`${at}=${bytes[at]}`)
  }
  const kind = page.isPlain ? 'plain' : 'coded'
  return { bytes, what: `${kind} body: ${whats.join(', ')}`, promised: 'same count' }
}

function placeInBody({ bodyStart, bodyEnd, header }: PagePart, random: Random): number {
  const length = bodyEnd - bodyStart
  const structure = Math.min(length, Math.max(12, header.levelBytes + 8))
  return bodyStart + upTo(random, random() < 0.7 ? structure : length)
}

/** Bytes of the footer without regard to its structure, its length and magic, cut and grown files. */
function mutateBytes({ bytes, footerStart }: ParquetParts, random: Random): Mutant {
  const copy = Uint8Array.from(bytes)
  switch (upTo(random, 4)) {
    case 0: {
      const end = upTo(random, bytes.length)
      return { bytes: copy.subarray(0, end), what: `cut at ${end}`, promised: 'same rows' }
    }
    case 1: {
      const at = bytes.length - 1 - upTo(random, 8)
      copy[at] = upTo(random, 256)
      return { bytes: copy, what: `end: ${at}=${copy[at]}`, promised: 'same rows' }
    }
    case 2: {
      const start = upTo(random, bytes.length)
      const end = Math.min(bytes.length, start + 1 + upTo(random, 64))
      const grown = Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
      return { bytes: grown, what: `${start} to ${end} twice`, promised: 'same count' }
    }
    default: {
      const at = footerStart + upTo(random, bytes.length - 8 - footerStart)
      copy[at] = random() < 0.5 ? upTo(random, 256) : (copy[at] ?? 0) ^ (1 << upTo(random, 8))
      return { bytes: copy, what: `footer byte ${at}=${copy[at]}`, promised: 'same count' }
    }
  }
}

function changeField({ field, parent }: FoundField, root: ThriftStruct, random: Random): string {
  const choice = random()
  if (choice < 0.08) {
    parent.fields.splice(parent.fields.indexOf(field), 1)
    return 'removed'
  }
  if (choice < 0.1) {
    parent.fields.push(field)
    return 'twice'
  }
  return changeNode(field.node, root, random)
}

function changeNode(node: ThriftNode, root: ThriftStruct, random: Random): string {
  switch (node.kind) {
    case 'integer': {
      const before = node.value
      node.value = otherNumber(before, root, random)
      return `${before} to ${node.value}`
    }
    case 'flag':
      node.value = !node.value
      return `to ${node.value}`
    case 'binary':
    case 'raw':
      node.bytes = otherBytes(node.bytes, random)
      return `bytes to ${Buffer.from(node.bytes.subarray(0, 16)).toString('hex')}`
    case 'structs':
      return changeList(node, random)
    case 'struct': {
      const [first] = node.fields.splice(upTo(random, node.fields.length + 1), 1)
      return `without ${first?.id}`
    }
  }
}

function changeList(list: Extract<ThriftNode, { kind: 'structs' }>, random: Random): string {
  const { elements } = list
  const at = upTo(random, Math.max(1, elements.length))
  const [element] = elements.slice(at, at + 1)
  switch (upTo(random, 4)) {
    case 0:
      list.claimed = oneOf(random, [0, elements.length + 1, 2_000_000_000, upTo(random, 100)])
      return `claims ${list.claimed}`
    case 1:
      elements.splice(at, 1)
      break
    case 2:
      if (element !== undefined) elements.push(element)
      break
    default:
      elements.reverse()
  }
  list.claimed = elements.length
  return `${elements.length} elements`
}

function otherNumber(value: number, root: ThriftStruct, random: Random): number {
  const others = [...fieldsOf(root)].flatMap(({ field }) =>
    field.node.kind === 'integer' ? [field.node.value] : [],
  )
  return oneOf(random, [
    0,
    1,
    -1,
    value + 1,
    value - 1,
    value * 2,
    Math.floor(value / 2),
    -value,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32 + value,
    2 ** 53,
    2 ** 62,
    upTo(random, 16),
    upTo(random, 2 * Math.abs(value) + 2),
    oneOf(random, [value, ...others]),
  ])
}

function otherBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const choice = random()
  if (choice < 0.2) return copy.subarray(0, upTo(random, copy.length + 1))
  if (choice < 0.3) return Buffer.concat([copy, copy])
  if (choice < 0.4) return copy.fill(255)
  if (copy.length > 0) copy[upTo(random, copy.length)] = upTo(random, 256)
  return copy
}
