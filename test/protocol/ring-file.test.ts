/**
 * The ring's public file reads back what was written, and what is no ring is refused in a sentence.
 */
import { describe, expect, test } from 'vitest'
import { readRingFile, type RingFile, writeRingFile } from '../../src/protocol/ring-file.ts'

const file: RingFile = {
  identity: { name: 'shop', id: 'AAECAwQFBgcICQoLDA0ODw', n: 3, q: 4096, durableOwners: 3 },
  bootstrap: ['/ip4/127.0.0.1/tcp/7421/p2p/12D3KooWA'],
}

test('a ring file reads back as it was written', () => {
  expect(readRingFile(JSON.parse(writeRingFile(file)))).toEqual(file)
})

test('a file without addresses, as `ringlet init` makes it, is a ring file', () => {
  const { bootstrap: _none, ...rest } = JSON.parse(writeRingFile(file)) as RingFile
  expect(readRingFile(rest).bootstrap).toEqual([])
})

describe('what is no ring file is refused, and the error says why:', () => {
  const good = JSON.parse(writeRingFile(file)) as { ring: object }
  const withRing = (change: object): object => ({ ...good, ring: { ...good.ring, ...change } })
  test.each<[what: string, json: unknown, why: RegExp]>([
    ['a list', [], /no ring file/],
    ['null', null, /no ring file/],
    ['another program’s file', { name: 'x' }, /no ring file/],
    ['a newer format', { ...good, ringlet: 2 }, /format 2/],
    ['no ring in it', { ringlet: 1 }, /no "ring"/],
    ['an address that is a number', { ...good, bootstrap: [7400] }, /"bootstrap"/],
    ['a name with a space', withRing({ name: 'my shop' }), /"name"/],
    ['an id of 120 bits', withRing({ id: 'AAECAwQFBgcICQoLDA0O' }), /"id"/],
    ['an id in base64', withRing({ id: 'AAECAwQFBgcICQoLDA0OD+' }), /"id"/],
    ['no owners', withRing({ n: 0 }), /"n"/],
    ['half an owner', withRing({ n: 2.5 }), /"n"/],
    ['a thousand partitions', withRing({ q: 1000 }), /"q"/],
    ['more durable owners than owners', withRing({ durableOwners: 4 }), /"durableOwners"/],
  ])('%s', (_what, json, why) => {
    expect(() => readRingFile(json)).toThrow(why)
    expect(() => readRingFile(json)).toThrow(expect.objectContaining({ code: 'ring-file' }))
  })
})
