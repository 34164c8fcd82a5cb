import type { ArrowType } from '../arrow/arrow-type.ts'
import { groupShape } from '../footers/arrow-fields.ts'
import type { FileColumn, Footer } from '../footers/footer.ts'
import type { SchemaNode } from '../footers/parquet-schema.ts'
import { type ChunkPlan, chunkPlan, type FetchRange, leafPlan } from './chunk-plan.ts'
import { schemaOf } from './mini-schema.ts'

/** The levels of a leaf below lists and structs: Dremel's, as README.md of apache/parquet-format has them. */
export interface NestedLevels {
  /** The definition level of a value that is there; 0: none are stored. */
  readonly definitionMax: number
  /** For each list around the leaf, the outermost first, the definition level from which it has an element. */
  readonly elements: readonly number[]
}

/** A chunk of a column that has several, or levels beyond those of a flat one. */
export interface LeafPlan extends ChunkPlan {
  readonly levels: NestedLevels
  /** Lists and structs around it that are made from its levels, the outermost first: those that no leaf before it is in. */
  readonly groups: readonly GroupPlan[]
}

/** A list, a map or a struct. */
export interface GroupPlan {
  readonly type: ArrowType
  readonly isList: boolean
  readonly isNullable: boolean
  /** How many lists are around it. */
  readonly repetition: number
  /** From this definition level on it is no null. */
  readonly definition: number
}

/** What a nested column is made of; leaves and groups by their numbers in depth-first order. */
export type NestedNode =
  | { readonly kind: 'leaf'; readonly index: number }
  | { readonly kind: 'group'; readonly index: number; readonly children: readonly NestedNode[] }

/** All that a worker needs to know about a nested column: plain data. */
export interface NestedPlan {
  /** Of the top-level column. */
  readonly name: string
  readonly leaves: readonly LeafPlan[]
  readonly root: NestedNode
}

/** A column for the kernels. */
export type ColumnPlan = ChunkPlan | NestedPlan

export function isNestedPlan(column: ColumnPlan): column is NestedPlan {
  return 'leaves' in column
}

export function isLeafPlan(chunk: ChunkPlan): chunk is LeafPlan {
  return 'levels' in chunk
}

/** The definition level from which there is something below `repetition` lists, null or not. */
export function slotDefinition({ elements }: NestedLevels, repetition: number): number {
  return elements[repetition - 1] ?? 0
}

/** Where the kernels find the column's chunks; undefined when one of them is not for them, or not fetched. */
export function columnPlan(
  footer: Footer,
  groupIndex: number,
  column: FileColumn,
  fetches: readonly FetchRange[],
): ColumnPlan | undefined {
  const flat = chunkPlan(footer, groupIndex, column, fetches)
  return flat ?? nestedPlan(footer, groupIndex, column, fetches)
}

function nestedPlan(
  footer: Footer,
  groupIndex: number,
  column: FileColumn,
  fetches: readonly FetchRange[],
): NestedPlan | undefined {
  const node = schemaAt(footer).children[footer.columns.indexOf(column)]
  if (node === undefined) return
  const { leafStart, field } = column
  const planLeaf: PlanLeaf = (index, type) =>
    leafPlan({ footer, groupIndex, leafIndex: leafStart + index, type }, fetches)
  const tree = new TreeBuilder(planLeaf)
  const root = tree.add(node, field.type, { definition: 0, elements: [] })
  if (root === undefined || tree.leaves.length !== column.leafEnd - leafStart) return
  return { name: field.name, leaves: tree.leaves, root }
}

/** Of the small files of row groups, which live as long: read once for all their columns. */
const schemas = new WeakMap<Footer, SchemaNode>()

function schemaAt(footer: Footer): SchemaNode {
  const schema = schemas.get(footer) ?? schemaOf(footer)
  schemas.set(footer, schema)
  return schema
}

type PlanLeaf = (index: number, type: ArrowType) => ChunkPlan | undefined

/** What is around a node. */
interface Around {
  readonly definition: number
  readonly elements: readonly number[]
}

/** Walks the file's schema and the Arrow type side by side; undefined where the kernels lack something. */
class TreeBuilder {
  readonly leaves: LeafPlan[] = []
  readonly #planLeaf: PlanLeaf
  #groupCount = 0
  /** Groups in which there is no leaf yet. */
  #open: GroupPlan[] = []

  constructor(planLeaf: PlanLeaf) {
    this.#planLeaf = planLeaf
  }

  add(node: SchemaNode, type: ArrowType, around: Around): NestedNode | undefined {
    if (node.repetition !== 'repeated') {
      const isNullable = node.repetition === 'optional'
      const definition = around.definition + Number(isNullable)
      return this.#addBare(node, type, { ...around, definition }, isNullable)
    }
    // A repeated field outside a list is a list of required elements.
    if (type.kind !== 'list' && type.kind !== 'large_list') return
    const element = type.child.type
    return this.#addGroup(type, { around, isNullable: false, isList: true }, () => [
      this.#addBare(node, element, inList(around), false),
    ])
  }

  /** @param here with the node's own level */
  #addBare(
    node: SchemaNode,
    type: ArrowType,
    here: Around,
    isNullable: boolean,
  ): NestedNode | undefined {
    if (node.physicalType !== null) return this.#addLeaf(type, here, isNullable)
    const shape = groupShape(node)
    const group = { around: here, isNullable }
    if (shape.kind === 'struct') return this.#addStruct(type, group, node.children)
    const list = { ...group, isList: true }
    const inside = inList(here)
    if (shape.kind === 'map') {
      // A null key is an error, which is left to the fallback.
      if (type.kind !== 'map' || shape.key.repetition !== 'required') return
      const entries = { around: inside, isNullable: false }
      return this.#addGroup(type, list, () => [
        this.#addStruct(type.entries.type, entries, [shape.key, shape.value]),
      ])
    }
    if (type.kind !== 'list' && type.kind !== 'large_list') return
    const element = type.child.type
    return this.#addGroup(type, list, () => [
      shape.elementIsRepeated
        ? this.#addBare(shape.element, element, inside, false)
        : this.add(shape.element, element, inside),
    ])
  }

  #addLeaf(type: ArrowType, here: Around, isOptional: boolean): NestedNode | undefined {
    const index = this.leaves.length
    const chunk = this.#planLeaf(index, type)
    if (chunk === undefined) return
    const levels = { definitionMax: here.definition, elements: here.elements }
    this.leaves.push({ ...chunk, isOptional, levels, groups: this.#open })
    this.#open = []
    return { kind: 'leaf', index }
  }

  #addStruct(
    type: ArrowType,
    group: { readonly around: Around; readonly isNullable: boolean },
    nodes: readonly SchemaNode[],
  ): NestedNode | undefined {
    if (type.kind !== 'struct' || type.children.length !== nodes.length) return
    return this.#addGroup(type, { ...group, isList: false }, () =>
      nodes.map((node, index) => {
        const field = type.children[index]
        return field && this.add(node, field.type, group.around)
      }),
    )
  }

  #addGroup(
    type: ArrowType,
    { around, isNullable, isList }: NewGroup,
    addChildren: () => readonly (NestedNode | undefined)[],
  ): NestedNode | undefined {
    const index = this.#groupCount++
    const { definition, elements } = around
    this.#open.push({ type, isList, isNullable, repetition: elements.length, definition })
    const children = addChildren()
    const known = children.filter((child) => child !== undefined)
    return known.length === children.length ? { kind: 'group', index, children: known } : undefined
  }
}

interface NewGroup {
  readonly around: Around
  readonly isNullable: boolean
  readonly isList: boolean
}

function inList({ definition, elements }: Around): Around {
  return { definition: definition + 1, elements: [...elements, definition + 1] }
}
