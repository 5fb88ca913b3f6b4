/**
 * The house rules that a machine can check. Each failure says what is wrong, where, and the mend.
 *
 * What the rules protect: one can read the house from the ground up, the simulator sees every
 * source of chance and time, and nothing lies about that nobody uses.
 */
import { posix } from 'node:path'
import type { Source, Tree } from './tree.ts'

/** Each floor and those below it. Neighbours on one line of the house do not know each other. */
const below: Readonly<Record<string, readonly string[]>> = {
  data: [],
  protocol: ['data'],
  values: ['data'],
  ports: ['data', 'protocol'],
  peer: ['data', 'protocol', 'values', 'ports'],
  adapters: ['data', 'protocol', 'values', 'ports', 'peer'],
  simulation: ['data', 'protocol', 'values', 'ports', 'peer'],
  contract: ['data', 'protocol', 'values', 'ports', 'peer'],
  index: ['data', 'protocol', 'values', 'ports', 'peer', 'adapters'],
  testing: ['data', 'protocol', 'values', 'ports', 'peer', 'adapters', 'simulation'],
}
const anySource = Object.keys(below)

/**
 * The parts of a peer, which speak to each other through messages and storage. Only the files that put a peer together
 * import them; everything else in `src/peer` is shared ground.
 */
const partsOfPeer = [
  'anti-entropy',
  'coordinator',
  'followers',
  'gossip',
  'handoff',
  'listing',
  'outbox',
  'reading',
  'replica',
]
const rootsOfPeer = ['member', 'answer', 'start-member', 'ring-side']

const doors = ['web/index.ts', 'node/index.ts']

const pureFloors = ['data', 'protocol', 'values', 'peer']
const bannedNames: Readonly<Record<string, string>> = {
  Date: 'take the time from the Clock port, as Millis',
  'Math.random': 'draw from the Random port',
  setTimeout: 'wait on the Clock port',
  setInterval: 'be a tick(now) that the one driver calls',
  setImmediate: 'wait on the Clock port',
  clearTimeout: 'wait on the Clock port',
  clearInterval: 'be a tick(now) that the one driver calls',
  queueMicrotask: 'use a promise through tasks.run',
  crypto: 'draw from the Random port, or hash with data/hash.ts',
  performance: 'take the time from the Clock port',
  fetch: 'reach the world through the Transport port',
  console: 'emit an event to the Trace port',
  process: 'take it as an argument from node/',
  globalThis: 'name what is needed as a port',
  'AbortSignal.timeout': 'give the Clock port a deadline',
}

export const rules: Readonly<Record<string, (tree: Tree) => readonly string[]>> = {
  'imports go down a floor or stay on the ground floor': importsGoDown,
  'the parts of a peer never import each other': partsStayApart,
  'there are no circles, type imports included': noCircles,
  'nobody imports an index.ts but the two doors': indexIsForDoors,
  'node: modules stay in node/': nodeStaysInNode,
  'the core knows no time, no chance and no world': coreIsPure,
  'data and protocol are synchronous': decisionsAreSynchronous,
  'every src file opens with a doc comment': filesOpenWithAnEssay,
  'there is no dead file': noDeadFiles,
  'nothing is left for later': nothingLeftForLater,
  'no path of one machine': noMachinePaths,
}

function importsGoDown({ sources }: Tree): string[] {
  return sources.flatMap((source) => {
    const floor = floorOf(source.path)
    const allowed = allowedFor(floor)
    if (allowed === undefined) {
      return [`${source.path} stands on no floor: move it, or give ${floor} its place in ${here}`]
    }
    return localImports(source)
      .filter((target) => floorOf(target) !== floor && !allowed.includes(floorOf(target)))
      .map(
        (target) =>
          `${source.path} imports ${target}, which is not below it: ` +
          `move what both need down, or pass it in from above`,
      )
  })
}

function allowedFor(floor: string): readonly string[] | undefined {
  switch (floor) {
    case 'web':
    case 'node':
      return anySource
    case 'test':
      return [...anySource, 'web', 'node']
    default:
      return below[floor]
  }
}

function partsStayApart({ sources }: Tree): string[] {
  const isIn = (names: readonly string[], path: string): boolean =>
    names.includes(posix.basename(path, '.ts'))
  return sources
    .filter(({ path }) => floorOf(path) === 'peer' && !isIn(rootsOfPeer, path))
    .flatMap((source) =>
      source.imports
        .filter(({ target, typeOnly }) => !typeOnly && floorOf(target) === 'peer')
        .filter(({ target }) => isIn(partsOfPeer, target))
        .map(
          ({ target }) =>
            `${source.path} imports ${target}, a part of a peer: speak through messages and storage, ` +
            `or take it as an argument from ${rootsOfPeer.map((root) => `${root}.ts`).join(' or ')}`,
        ),
    )
}

function noCircles({ sources }: Tree): string[] {
  const importsOf = new Map(sources.map((source) => [source.path, localImports(source)]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      circles.push(
        `${[...trail.slice(start), path].join(' → ')} is a circle: move what they share into a file below both`,
      )
      return
    }
    if (done.has(path)) return
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return circles
}

/** The doors themselves may be entered by whoever is an application: the page, the tests. */
function indexIsForDoors({ sources }: Tree): string[] {
  return sources.flatMap((source) =>
    localImports(source)
      .filter((target) => posix.basename(target) === 'index.ts' && !doors.includes(target))
      .filter((target) => target !== 'src/index.ts' || !doors.includes(source.path))
      .map((target) => `${source.path} imports ${target}: import the file that has what it needs`),
  )
}

function nodeStaysInNode({ sources }: Tree): string[] {
  const isAllowed = ({ path }: Source): boolean =>
    path.startsWith('node/') ||
    path.startsWith('test/') ||
    path === 'web/vite.config.ts' ||
    ['src/simulation/main.ts', 'src/simulation/native.ts'].includes(path)
  return sources
    .filter((source) => !isAllowed(source))
    .flatMap((source) =>
      source.imports
        .filter(({ target }) => target.startsWith('node:'))
        .map(
          ({ target }) =>
            `${source.path} imports ${target}: put that part into node/, behind a port`,
        ),
    )
}

function coreIsPure({ sources }: Tree): string[] {
  return sources
    .filter((source) => pureFloors.includes(floorOf(source.path)))
    .flatMap((source) =>
      Object.entries(bannedNames)
        .filter(([name]) => source.names.has(name))
        .map(([name, mend]) => `${source.path} uses ${name}: ${mend}`),
    )
}

function decisionsAreSynchronous({ sources }: Tree): string[] {
  return sources
    .filter((source) => ['data', 'protocol'].includes(floorOf(source.path)))
    .filter((source) => source.isAsync || source.names.has('Promise'))
    .map(({ path }) => `${path} is asynchronous: decide here from values, and wait in src/peer`)
}

function filesOpenWithAnEssay({ texts }: Tree): string[] {
  return Object.entries(texts)
    .filter(([path, text]) => /^src\/.*\.ts$/.test(path) && !text.trimStart().startsWith('/**'))
    .map(
      ([path]) => `${path} opens with no doc comment: say the problem and the idea in a few lines`,
    )
}

function noDeadFiles(tree: Tree): string[] {
  const importsOf = new Map(tree.sources.map((source) => [source.path, localImports(source)]))
  const alive = new Set<string>()
  const reach = (path: string): void => {
    if (alive.has(path) || !importsOf.has(path)) return
    alive.add(path)
    for (const target of importsOf.get(path) ?? []) reach(target)
  }
  for (const path of entryPoints(tree)) reach(path)
  return tree.sources
    .filter(({ path }) => !alive.has(path))
    .map(({ path }) => `${path} is reached from no door, main or test: use it or delete it`)
}

/** What `package.json` exports and starts, the pages' scripts, the tests, and the tools' settings. */
function entryPoints({ texts, sources }: Tree): string[] {
  const manifest = texts['package.json'] ?? ''
  const exported = [...manifest.matchAll(/"\.\/dist\/([^"*]+)\.js"/g)].map(
    (match) => `${match[1]}.ts`,
  )
  const started = [...manifest.matchAll(/[\w./-]+\.(?:ts|js)\b/g)].map((match) => match[0])
  const inPages = Object.entries(texts)
    .filter(([path]) => path.endsWith('.html'))
    .flatMap(([page, text]) =>
      [...text.matchAll(/(?:src|from|import)\s*[=(]?\s*["']([^"']+\.(?:ts|js))["']/g)].map(
        (match) =>
          (match[1] ?? '').startsWith('/')
            ? posix.join(posix.dirname(page), `.${match[1]}`)
            : posix.join(posix.dirname(page), match[1] ?? ''),
      ),
    )
  const tests = sources
    .map(({ path }) => path)
    .filter((path) =>
      /^test\/(browser\/.*\.spec|.*\.test|.*\.config)\.ts$|\.config\.ts$/.test(path),
    )
  return [...exported, ...started, 'node/main.ts', ...inPages, ...tests]
}

function nothingLeftForLater({ texts, sources }: Tree): string[] {
  const mend = 'do it now, or say in a sentence why it is as it is'
  const marks = /\b(TODO|FIXME|XXX|HACK)\b/
  const inCode = sources.flatMap(({ path, comments }) =>
    comments
      .filter((comment) => marks.test(comment))
      .map(() => `${path} has a note for later: ${mend}`),
  )
  const inPages = Object.entries(texts)
    .filter(([path, text]) => /\.(html|css)$/.test(path) && marks.test(text))
    .map(([path]) => `${path} has a note for later: ${mend}`)
  return [...inCode, ...inPages]
}

function noMachinePaths({ texts }: Tree): string[] {
  const machinePath = /(?:^|[\s"'`(=:,])(\/(?:home|Users|root|work)\/\w[^\s"'`)]*|[A-Z]:\\\w+\\)/m
  return Object.entries(texts).flatMap(([path, text]) => {
    const found = machinePath.exec(text)?.[1]
    if (found === undefined) return []
    return [
      `${path} has ${found}, a path of one machine: start from import.meta.dirname or os.tmpdir()`,
    ]
  })
}

const here = 'test/tidy/rules.ts'

/** `src/peer/fanout.ts` stands on `peer`, `src/ports.ts` on `ports`, `web/cart/cart.ts` on `web`. */
function floorOf(path: string): string {
  const [top = '', second = ''] = path.split('/')
  return top === 'src' ? second.replace(/\.(d\.)?ts$/, '') : top
}

function localImports(source: Source): string[] {
  return source.imports
    .map(({ target }) => target)
    .filter((target) => /^(src|web|node|test)\/.*\.(tsx?|js)$/.test(target))
}
