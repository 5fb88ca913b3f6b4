/** The pieces that chaos rests on: were they wrong, a run would be green for nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from '../../node/disk.ts'
import { toBinaryText } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue, stateDigest } from '../../src/data/siblings.ts'
import { contextToText } from '../../src/protocol/context.ts'
import { encodeObject, shelfRange, storageKeys, verifiedDigest } from '../../src/protocol/record.ts'
import { bytesOfId } from '../../src/simulation/history.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import type { Network } from '../hosts/network.ts'
import { dotsBetween } from './contexts.ts'
import { bothWays, Cuts } from './cuts.ts'
import { Store } from './store.ts'
import { Story } from './story.ts'

const key = makeKey('chaos', 'kept-0')
const actor = `${'a'.repeat(16)}.1`

describe('the name that a receipt gives', () => {
  const text = (upTo: number, loose: number[]): string =>
    contextToText(key, new Map([[actor, { upTo, loose }]]))

  test.each([
    ['the first', '', text(1, []), [1]],
    ['the next', text(2, []), text(3, []), [3]],
    ['a loose one', text(2, []), text(2, [5]), [5]],
    ['one that closes a gap', text(2, [4]), text(4, []), [3]],
    ['none', text(2, [4]), text(2, [4]), []],
  ])('%s', (_case, before, after, expected) => {
    expect(dotsBetween(key, before, after).map(({ counter }) => counter)).toEqual(expected)
  })
})

test('what two cuts drop is heard again only when both have ended', async () => {
  const dropped = new Set<string>()
  const network = {
    silence: ([from]: string[], [to]: string[]) => dropped.add(`${from} ${to}`),
    hear: ([from]: string[], [to]: string[]) => dropped.delete(`${from} ${to}`),
  }
  const cuts = new Cuts(network as unknown as Network)
  const one = cuts.drop(bothWays(['a'], ['b', 'c']))
  const other = cuts.drop(bothWays(['a'], ['b']))
  expect([...dropped].toSorted()).toEqual(['a b', 'a c', 'b a', 'c a'])
  await one()
  expect([...dropped].toSorted()).toEqual(['a b', 'b a'])
  await other()
  expect(dropped.size).toBe(0)
})

test('a story has what concerns its keys, the words of the peers among it, in order', () => {
  const printed: string[] = []
  const story = new Story((line) => printed.push(line))
  story.tell('peer-1 is killed')
  story.tell('w1 is acknowledged', 'chaos/kept-0')
  story.tell('w2 is acknowledged', 'chaos/kept-2')
  const stamp = new Date(Date.now() + 60_000).toISOString()
  const text = `${stamp} mint chaos/kept-0 a.1 1\n${stamp} mint chaos/kept-2 a.1 1\n`
  const told = story.of(new Set(['chaos/kept-0']), [{ name: 'peer-2', text }]).split('\n')
  expect(told.map((line) => line.replace(/^.* s {2}/, ''))).toEqual([
    'peer-1 is killed',
    'w1 is acknowledged',
    '  peer-2: mint chaos/kept-0 a.1 1',
  ])
  expect(printed).toHaveLength(1)
})

describe('a store', () => {
  let folder: string
  let store: Store
  const random = seededRandom('a store')
  const { from, to } = shelfRange('object')

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringlet-pieces-'))
    store = new Store(folder)
    await using disk = await openClosing(folder)
    const dot = { actor, counter: 1 }
    const state = {
      seen: new Map([[dot.actor, { upTo: 1, loose: [] }]]),
      siblings: [{ dot, value: makeValue(bytesOfId(1, 500), 0) }],
    }
    const object = { state, minter: actor, digest: stateDigest(key.bytes, state) }
    const writes = [{ key: storageKeys.object(key), value: encodeObject(object) }]
    await disk.update([], () => ({ writes, result: undefined }))
    // Read while its peer has it open.
    expect(store.read(toBinaryText(storageKeys.object(key)))).toBeDefined()
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('is read from outside', () => {
    expect(store.isLost).toBe(false)
    expect(store.isSound).toBe(true)
    const [entry] = store.entries(from, to)
    expect(verifiedDigest(key, entry!.value)).toBeDefined()
  })

  test('whose records are flipped looks sound, and is not believed', () => {
    expect(store.flipRecords(random, 6)).toBe(1)
    expect(store.isSound).toBe(true)
    const [entry] = store.entries(from, to)
    expect(verifiedDigest(key, entry!.value)).toBeUndefined()
  })

  test('that is cut off, or overwritten all over, is not sound', () => {
    store.truncate(random)
    expect(store.isSound && store.entries(from, to).length > 0).toBe(false)
    store.putAside()
    expect(store.entries(from, to)).toEqual([])
    expect(store.isLost).toBe(true)
  })
})

async function openClosing(folder: string) {
  const disk = await openDisk(folder)
  return Object.assign(disk, { [Symbol.asyncDispose]: () => disk.close() })
}
