/** A text of the README, edited by several at once; and what one has to know of a CRDT library's bytes as a value. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import type { Peer, TypedBucket } from '../../src/peer/api.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import { testRing, type TestRing, until } from '../peer/ring.ts'
import { expectEqual } from './histories.ts'
import { share, text } from './text.ts'

const options = { r: 2, w: 2, warnings: [], close: () => Promise.resolve() }

test('the README prints this very text', () => {
  const read = (path: string): string =>
    readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8')
  const printed = /## Text\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1]
  const code = read('test/values/text.ts').replace(/^\/\*\*[\s\S]*?\*\/\n/, '')
  expect(printed).toBe(code.replace("'../../node/index.ts'", "'ringlet'"))
})

describe('two peers that share a text', () => {
  test('see each other’s edits, and keep both of those made at once', async () => {
    const ring = await testRing().start(3)
    const [ann, bob] = [await editor(ring, 1), await editor(ring, 2)]
    ann.line.insert(0, 'Buy milk.')
    await converge([ann, bob], 'Buy milk.')
    ann.line.insert(4, 'oat ')
    bob.line.insert(bob.line.length, ' And bread.')
    await converge([ann, bob], 'Buy oat milk. And bread.')
  })

  test('lose nothing of what both write and delete while neither reaches anybody', async () => {
    const ring = await testRing().start(3)
    const [ann, bob] = [await editor(ring, 1), await editor(ring, 2)]
    ann.line.insert(0, 'one two three')
    await converge([ann, bob], 'one two three')
    for (const { peer } of [ann, bob]) peer.setGate(false)
    for (const [i, letter] of [...'zero '].entries()) ann.line.insert(i, letter)
    ann.line.delete('zero one '.length, 'two '.length)
    for (const word of [' four', ' five']) bob.line.insert(bob.line.length, word)
    await until('both keep what they wrote', () => {
      return [ann, bob].every(({ peer }) => peer.status.pendingWrites > 0)
    })
    for (const { peer } of [ann, bob]) peer.setGate(true)
    await converge([ann, bob], 'zero one three four five')
    const late = await editor(ring, 3)
    await converge([late], 'zero one three four five')
  })

  test('write on top of what they have not seen yet', async () => {
    const theirs = new Y.Doc()
    theirs.getText('line').insert(0, 'of theirs')
    const ours = new Y.Doc()
    let value = Y.encodeStateAsUpdate(theirs)
    const bucket = {
      follow: async () => {},
      // It never shows what it holds.
      watch: () => [],
      update: async (_key: string, change: (current: Uint8Array) => Uint8Array) => {
        value = change(value)
      },
    } as unknown as TypedBucket<Uint8Array>
    const sharing = share(ours, bucket, 'list', new AbortController().signal)
    ours.getText('line').insert(0, 'of ours')
    await sharing
    expect(lineOf(value)).toContain('of theirs')
    expect(lineOf(value)).toContain('of ours')
    expect(lineOf(Y.encodeStateAsUpdate(ours))).toBe('of ours')
  })

  interface Editor {
    readonly peer: Peer
    readonly line: Y.Text
  }

  async function editor(ring: TestRing, index: number): Promise<Editor> {
    const peer = peerOfEdge(await ring.startEdge(index), options)
    const document = new Y.Doc()
    const stop = new AbortController()
    const sharing = share(document, peer.bucket('texts', text), 'list', stop.signal)
    onTestFinished(async () => {
      stop.abort()
      await sharing
    })
    return { peer, line: document.getText('line') }
  }

  function converge(editors: readonly Editor[], wanted: string): Promise<void> {
    const shown = (): string[] => editors.map(({ line }) => line.toJSON())
    return until(`all show “${wanted}”`, () => shown().every((each) => each === wanted), 15_000)
  }
})

describe('a text', () => {
  test('merges by the laws, to the byte, whatever was typed, deleted and heard of', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const [a, b, c] = play(steps).map((each) => Y.encodeStateAsUpdate(each))
        if (a === undefined || b === undefined || c === undefined) return
        const { merge, empty } = text
        expectEqual(merge(a, b), merge(b, a))
        expectEqual(merge(merge(a, b), c), merge(a, merge(b, c)))
        expectEqual(merge(a, a), a)
        expectEqual(merge(a, merge(a, b)), merge(a, b))
        expectEqual(merge(a, empty), a)
        expectEqual(merge(empty, a), a)
      }),
      { numRuns: 150 },
    )
  })

  test('is an update of Yjs; bytes of anything else are none', () => {
    const document = new Y.Doc()
    document.getText('line').insert(0, 'text')
    const bytes = Y.encodeStateAsUpdate(document)
    for (const value of [text.empty, bytes]) expect(text.validate?.(value)).toBe(true)
    const cut = [1, 5, bytes.length - 1].map((length) => bytes.subarray(0, length))
    // No bytes at all are no update either: an empty text is one of no edits.
    const none = [new Uint8Array(), Uint8Array.of(255, 255, 255, 255, 127), ...cut]
    for (const value of [undefined, null, 'text', { line: 'text' }, [0, 0], ...none]) {
      expect(text.validate?.(value)).toBe(false)
    }
  })

  test('of any bytes says whether it is one, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(typeof text.validate?.(bytes)).toBe('boolean')
      }),
    )
  })
})

describe('why it is written this way:', () => {
  test('a client id for each document, for two documents of one client lose an edit', () => {
    const [one, other] = [new Y.Doc(), new Y.Doc()]
    other.clientID = one.clientID
    one.getText('line').insert(0, 'of one')
    other.getText('line').insert(0, 'of the other')
    const merged = text.merge(Y.encodeStateAsUpdate(one), Y.encodeStateAsUpdate(other))
    const shown = lineOf(merged)
    expect(shown.includes('of one') && shown.includes('of the other')).toBe(false)
  })

  test('a document that lasts, for one made for each edit is a client more each time', () => {
    const lasting = new Y.Doc()
    let [kept, remade] = [text.empty, text.empty]
    for (let i = 0; i < 200; i++) {
      lasting.getText('line').insert(i, 'x')
      kept = text.merge(kept, Y.encodeStateAsUpdate(lasting))
      const passing = new Y.Doc()
      Y.applyUpdate(passing, remade)
      passing.getText('line').insert(i, 'x')
      remade = Y.encodeStateAsUpdate(passing)
    }
    expect(lineOf(kept)).toBe(lineOf(remade))
    expect(kept.length).toBeLessThan(300)
    expect(remade.length).toBeGreaterThan(10 * kept.length)
  })

  test('merged as documents, which leave out deleted text; updates that are only joined keep it', () => {
    const document = new Y.Doc()
    const line = document.getText('line')
    let [merged, joined] = [text.empty, text.empty]
    for (let i = 0; i < 200; i++) {
      line.insert(0, 'word ')
      const added = Y.encodeStateAsUpdate(document)
      line.delete(0, line.length)
      const deleted = Y.encodeStateAsUpdate(document)
      merged = text.merge(text.merge(merged, added), deleted)
      joined = Y.mergeUpdates([joined, added, deleted])
    }
    expect(lineOf(merged)).toBe('')
    expect(merged.length).toBeLessThan(50)
    expect(joined.length).toBeGreaterThan(500)
  })
})

type Step =
  | { readonly type: 'insert'; readonly at: number; readonly place: number; readonly words: string }
  | { readonly type: 'delete'; readonly at: number; readonly place: number; readonly count: number }
  | { readonly type: 'hear'; readonly at: number; readonly from: number }

const at = fc.nat(2)
const place = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('insert' as const),
    at,
    place,
    words: fc.string({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('delete' as const),
    at,
    place,
    count: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ type: fc.constant('hear' as const), at, from: at }),
)
const histories = fc.array(step, { maxLength: 40 })

/** Three documents that are edited apart, and hear of each other now and then. */
function play(steps: readonly Step[]): readonly Y.Doc[] {
  const documents = [1, 2, 3].map((clientID) => Object.assign(new Y.Doc(), { clientID }))
  for (const each of steps) {
    const document = documents[each.at]!
    const line = document.getText('line')
    const end = line.length
    if (each.type === 'insert') line.insert(Math.min(each.place, end), each.words)
    else if (each.type === 'hear') {
      Y.applyUpdate(document, Y.encodeStateAsUpdate(documents[each.from]!))
    } else if (end > 0) {
      const from = each.place % end
      line.delete(from, Math.min(each.count, end - from))
    }
  }
  return documents
}

function lineOf(value: Uint8Array): string {
  const document = new Y.Doc()
  Y.applyUpdate(document, value)
  return document.getText('line').toJSON()
}
