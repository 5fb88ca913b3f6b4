/**
 * The source tree as the tidy rules see it: files, what each imports, and which names it uses.
 *
 * A parsed tree instead of patterns over text: `console` in a comment, or a method called `fetch`,
 * is nobody's business.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { parseSync } from 'vite'

/** Path from the repository's root → text. */
export type Texts = Readonly<Record<string, string>>

export interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly comments: readonly string[]
  /** Global names the file uses, as `Date` or, where the object is one, `Math.random`. */
  readonly names: ReadonlySet<string>
  /** Whether it has an async function or an await. */
  readonly isAsync: boolean
}

export interface Import {
  /** A path in the tree, or a package's name as it stands. */
  readonly target: string
  readonly typeOnly: boolean
}

export interface Tree {
  readonly texts: Texts
  /** TypeScript and JavaScript, declarations aside. */
  readonly sources: readonly Source[]
}

export function readTexts(root: string): Texts {
  const folders = ['src', 'web', 'node', 'test'].map((folder) => `${folder}/**/*.*`)
  const paths = globSync([...folders, '*.*', 'LICENSE', '.ci/*', '.*rc*', '.gitignore'], {
    cwd: root,
  })
  const isText = (path: string): boolean => !/\.(png|ico|svg|woff2|sqlite|bin)$/.test(path)
  return Object.fromEntries(
    paths
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => isText(path) && path !== 'package-lock.json')
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )
}

export function parseTree(texts: Texts): Tree {
  const sources = Object.entries(texts)
    .filter(([path]) => /\.(tsx?|js)$/.test(path) && !path.endsWith('.d.ts'))
    .map(([path, text]) => parse(path, text))
  return { texts, sources }
}

function parse(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)

  const imports: Import[] = []
  const names = new Set<string>()
  let isAsync = false
  walk(program as unknown as Node, undefined, (node, parent) => {
    const specifier = importedBy(node, parent)
    if (specifier !== undefined) {
      imports.push({ target: resolve(path, specifier), typeOnly: isTypeOnly(node) })
    }
    const awaits = node.type === 'AwaitExpression' || node['await'] === true
    if (awaits || node['async'] === true || node['kind'] === 'await using') isAsync = true
    if (node.type === 'Identifier' && isReference(node, parent)) names.add(String(node['name']))
    if (node.type === 'MemberExpression') {
      const { object, property } = node as unknown as { object: Node; property: Node }
      if (object.type === 'Identifier')
        names.add(`${String(object['name'])}.${String(property['name'])}`)
    }
  })
  return { path, text, imports, names, isAsync, comments: comments.map((comment) => comment.value) }
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

function walk(
  node: Node,
  parent: Node | undefined,
  visit: (node: Node, parent: Node | undefined) => void,
): void {
  visit(node, parent)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child) {
        walk(child as Node, node, visit)
      }
    }
  }
}

const importing = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]

/** Imports and re-exports, dynamic ones and types too, and files named to a worker or a process. */
function importedBy(node: Node, parent: Node | undefined): string | undefined {
  if (importing.includes(node.type)) {
    const specifier = (node['source'] as Node | null)?.['value']
    return typeof specifier === 'string' ? specifier : undefined
  }
  if (node.type !== 'Literal' || (parent !== undefined && importing.includes(parent.type))) {
    return undefined
  }
  return /^\.{1,2}\/[\w./-]+\.(tsx?|js)$/.test(String(node['value']))
    ? String(node['value'])
    : undefined
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TSImportType') return true
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true
  const specifiers = (node['specifiers'] ?? []) as Node[]
  return (
    specifiers.length > 0 &&
    specifiers.every((each) => each['importKind'] === 'type' || each['exportKind'] === 'type')
  )
}

/** A name that stands for a value or a type, not a property's or an export's. */
function isReference(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined || parent['computed'] === true) return true
  if (parent['key'] === node) return false
  switch (parent.type) {
    case 'MemberExpression':
      return parent['property'] !== node
    case 'TSQualifiedName':
      return parent['right'] !== node
    case 'ImportSpecifier':
    case 'ExportSpecifier':
    case 'TSNamedTupleMember':
      return false
    default:
      return true
  }
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(dirname(from), specifier) : specifier
}
