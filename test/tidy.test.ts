/**
 * The house rules, enforced; and each rule shown to catch what it forbids.
 */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rules } from './tidy/rules.ts'
import { parseTree, readTexts, type Texts } from './tidy/tree.ts'

describe('the house is tidy', () => {
  const tree = parseTree(readTexts(join(import.meta.dirname, '..')))
  test.each(Object.entries(rules))('%s', (_name, rule) => {
    expect(rule(tree).join('\n')).toBe('')
  })
})

/** A small house that breaks no rule. */
const tidyHouse: Texts = {
  'package.json': `{
    "exports": { ".": { "browser": "./dist/web/index.js", "default": "./dist/node/index.js" } },
    "bin": { "ringlet": "node/bin.js" }
  }`,
  'node/bin.js': `import './main.ts'`,
  'node/main.ts': `import { open } from './index.ts'; open(new URL('./worker.ts', import.meta.url))`,
  'node/worker.ts': `export {}`,
  'node/index.ts': `export * from '../src/index.ts'`,
  'web/index.ts': `export * from '../src/index.ts'`,
  'web/cart/index.html': `<script type="module" src="./cart.ts"></script>`,
  'web/cart/cart.ts': `import { open } from '../index.ts'; open()`,
  'src/index.ts': `/** Both. */ import { peer } from './peer/member.ts'; export const open = peer`,
  'src/peer/member.ts': `/** Root. */
    import { put } from './coordinator.ts'
    import { store } from './replica.ts'
    export const peer = async () => [await put(), store]`,
  'src/peer/coordinator.ts': `/** Put. */
    import type { Store } from './replica.ts'
    import { fanout } from './fanout.ts'
    export const put = async (store?: Store) => fanout(store)`,
  'src/peer/fanout.ts': `/** Out. */ import type { Clock } from '../ports.ts'
    export const fanout = (clock?: Clock) => clock`,
  'src/peer/replica.ts': `/** In. */ export type Store = { console: string; fetch(): void }
    export const store = (it: Store) => it.fetch()`,
  'src/ports.ts': `/** Ports. */ import type { Id } from './data/id.ts'
    export interface Clock { now(): Id }`,
  'src/data/id.ts': `/** Not a Date, never Math.random(). */ export type Id = string`,
  'test/id.test.ts': `import type { Id } from '../src/data/id.ts'; export const id: Id = 'a'`,
}

describe('a tidy house', () => {
  test.each(Object.entries(rules))('%s', (_name, rule) => {
    expect(rule(parseTree(tidyHouse))).toEqual([])
  })
})

const essay = '/** An essay. */\n'
const planted: readonly [
  rule: keyof typeof rules,
  what: string,
  change: Texts,
  complaint: RegExp,
][] = [
  [
    'imports go down a floor or stay on the ground floor',
    'a decision that imports choreography',
    { 'src/protocol/quorum.ts': `${essay}import { fanout } from '../peer/fanout.ts'; fanout()` },
    /quorum\.ts imports src\/peer\/fanout\.ts.* move what both need down/,
  ],
  [
    'imports go down a floor or stay on the ground floor',
    'a type imported upwards, as import()',
    { 'src/data/id.ts': `${essay}export type Id = import('../ports.ts').Clock` },
    /id\.ts imports src\/ports\.ts/,
  ],
  [
    'imports go down a floor or stay on the ground floor',
    'an adapter that imports the simulation',
    { 'src/adapters/memory.ts': `${essay}export * from '../simulation/disk.ts'` },
    /memory\.ts imports src\/simulation\/disk\.ts/,
  ],
  [
    'imports go down a floor or stay on the ground floor',
    'a value that imports the protocol',
    { 'src/values/set.ts': `${essay}import '../protocol/limits.ts'` },
    /set\.ts imports src\/protocol\/limits\.ts/,
  ],
  [
    'imports go down a floor or stay on the ground floor',
    'the product that imports a test',
    { 'node/disk.ts': `export { id } from '../test/id.test.ts'` },
    /disk\.ts imports test\/id\.test\.ts/,
  ],
  [
    'imports go down a floor or stay on the ground floor',
    'a folder that is no floor',
    { 'src/utils/misc.ts': essay },
    /misc\.ts stands on no floor/,
  ],
  [
    'the parts of a peer never import each other',
    'a coordinator that calls the replica',
    { 'src/peer/coordinator.ts': `${essay}import { store } from './replica.ts'; store` },
    /coordinator\.ts imports src\/peer\/replica\.ts, a part of a peer: speak through messages/,
  ],
  [
    'the parts of a peer never import each other',
    'a shared part that calls one that is not',
    { 'src/peer/fanout.ts': `${essay}import { store } from './replica.ts'; store` },
    /fanout\.ts imports src\/peer\/replica\.ts/,
  ],
  [
    'there are no circles, type imports included',
    'two types that need each other',
    {
      'src/data/a.ts': `${essay}import type { B } from './b.ts'; export type A = B[]`,
      'src/data/b.ts': `${essay}import type { A } from './a.ts'; export type B = A[]`,
    },
    /src\/data\/a\.ts → src\/data\/b\.ts → src\/data\/a\.ts is a circle/,
  ],
  [
    'nobody imports an index.ts but the two doors',
    'a command that goes round its door',
    { 'node/cli.ts': `import { open } from '../src/index.ts'; open()` },
    /cli\.ts imports src\/index\.ts: import the file/,
  ],
  [
    'nobody imports an index.ts but the two doors',
    'a barrel',
    { 'src/peer/member.ts': `${essay}export * from '../data/index.ts'` },
    /member\.ts imports src\/data\/index\.ts/,
  ],
  [
    'node: modules stay in node/',
    'an adapter that reads files',
    { 'src/adapters/disk.ts': `${essay}import 'node:fs'` },
    /disk\.ts imports node:fs: put that part into node\//,
  ],
  ...[
    ['the wall clock', 'Date.now()', /id\.ts uses Date: take the time from the Clock port/],
    ['a type of the host', 'let at: Date | undefined', /uses Date/],
    ['chance', 'Math.random()', /uses Math\.random: draw from the Random port/],
    ['a timer', 'setTimeout(() => {}, 1)', /uses setTimeout/],
    ['the host behind its name', 'globalThis.fetch', /uses globalThis/],
    ['a log', 'console.log(1)', /uses console: emit an event to the Trace port/],
    ['a shorthand', 'const ports = { crypto }', /uses crypto/],
    ['a deadline of the host', 'AbortSignal.timeout(1)', /uses AbortSignal\.timeout/],
  ].map(([what, code, complaint]): (typeof planted)[number] => [
    'the core knows no time, no chance and no world',
    what as string,
    { 'src/data/id.ts': `${essay}${code as string}` },
    complaint as RegExp,
  ]),
  ...[
    'async () => 1',
    'Promise.resolve(1)',
    'await 1',
    'async function* a() { for await (const b of c) yield b }',
    'await using a = b',
    'class A { async b() {} }',
  ].map((code): (typeof planted)[number] => [
    'data and protocol are synchronous',
    code,
    { 'src/protocol/quorum.ts': `${essay}${code}` },
    /quorum\.ts is asynchronous/,
  ]),
  [
    'every src file opens with a doc comment',
    'a file that starts with imports',
    { 'src/data/id.ts': `import './a.ts'\n/** Late. */` },
    /id\.ts opens with no doc comment/,
  ],
  [
    'there is no dead file',
    'two files that only know each other',
    {
      'src/data/old.ts': `${essay}import './older.ts'`,
      'src/data/older.ts': essay,
    },
    /src\/data\/old\.ts is reached from no door.*\n.*older\.ts/,
  ],
  [
    'nothing is left for later',
    'a mark in a comment',
    { 'src/data/id.ts': `${essay}// ${'TO'}DO: ids` },
    /id\.ts has a note for later/,
  ],
  [
    'no path of one machine',
    'a home folder in a text',
    { 'README.md': `Look into ${'/home'}/ada/ringlet for it.` },
    /README\.md has \/home\/ada\/ringlet/,
  ],
]

describe('is caught:', () => {
  test.each(planted)('%s: %s', (rule, _what, change, complaint) => {
    const failures = rules[rule]?.(parseTree({ ...tidyHouse, ...change })) ?? []
    expect(failures.join('\n')).toMatch(complaint)
  })

  test('every rule has something planted against it', () => {
    expect(new Set(planted.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)))
  })
})
