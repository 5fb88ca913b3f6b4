/**
 * The control port over real peers and disks: whom it answers, what it refuses, and in which words.
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { type NodePeer, startNodePeer } from '../../node/node-peer.ts'
import { newRingIdentity } from '../../node/ring-file.ts'
import { emptyFolder, until } from './dev-ring.ts'

const folder = emptyFolder()
const peers: NodePeer[] = []

beforeAll(async () => {
  const identity = newRingIdentity({ name: 'test', q: 64 })
  const bootstrap: string[] = []
  for (const i of [1, 2, 3]) {
    const peer = await startNodePeer({
      ring: { identity, bootstrap: [...bootstrap] },
      data: join(folder.path, `${i}`),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      host: `host-${i}`,
      control: 0,
    })
    bootstrap.push(...peer.addresses)
    peers.push(peer)
  }
  await until('the peers to find each other', () =>
    peers.every(({ member }) => member.view.members.length === 3),
  )
})

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()))
  folder[Symbol.dispose]()
})

interface Answer {
  readonly status: number
  readonly body: any
}

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  readonly peer?: number
}

/** Not `fetch`, which lets nobody choose `Host` and `Origin`. */
function ask(path: string, { method, headers, body, peer = 0 }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: method ?? 'GET', headers: headers ?? {} }
    const sending = request(`${peers[peer]!.control}${path}`, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => (text += piece))
      response.on('end', () => {
        resolve({ status: response.statusCode!, body: JSON.parse(text) })
      })
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

function put(path: string, value: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(path, { method: 'PUT', headers, body: JSON.stringify(value) })
}

describe('the control port answers', () => {
  test('who it is', async () => {
    expect(await ask('/ping')).toEqual({ status: 200, body: { peer: peers[0]!.member.id } })
  })

  test('a read through any peer with what was put through another', async () => {
    expect((await put('/buckets/b/keys/k', { a: [1, null] })).status).toBe(200)
    for (const peer of [0, 1, 2]) {
      const { status, body } = await ask('/buckets/b/keys/k', { peer })
      expect(status).toBe(200)
      expect(body.siblings).toMatchObject([{ value: { a: [1, null] } }])
    }
  })

  test('a write with the context of a read, which supersedes, and one without, which does not', async () => {
    const first = await put('/buckets/b/keys/context', 1)
    await put('/buckets/b/keys/context', 2, { 'ringlet-context': first.body.context })
    await put('/buckets/b/keys/context', 3)
    const { body } = await ask('/buckets/b/keys/context')
    expect(body.siblings.map(({ value }: any) => value).sort()).toEqual([2, 3])
  })

  test('404, with a context, for a key that is not there and for one that was deleted', async () => {
    const { status, body } = await ask('/buckets/b/keys/never')
    expect({ status, found: body.found, siblings: body.siblings }).toEqual({
      status: 404,
      found: false,
      siblings: [],
    })
    const { body: written } = await put('/buckets/b/keys/gone', 1)
    const headers = { 'ringlet-context': written.context }
    await ask('/buckets/b/keys/gone', { method: 'DELETE', headers })
    expect((await ask('/buckets/b/keys/gone')).status).toBe(404)
  })

  test('a put that is to expire with when, and nothing of it afterwards', async () => {
    const path = '/buckets/carts/keys/brief'
    const before = Date.now()
    const written = await ask(`${path}?ttlMs=1500`, { method: 'PUT', body: '1' })
    expect(written.status).toBe(200)
    const { body } = await ask(path)
    if (body.found) {
      expect(Date.parse(body.siblings[0].expiresAt)).toBeGreaterThanOrEqual(before + 1500)
    }
    await until('it has expired', async () => (await ask(path)).status === 404)
    expect(Date.now()).toBeGreaterThanOrEqual(before + 1500)
    for (const wrong of ['', '0', '-1', 'soon', '1e300']) {
      const refused = await ask(`${path}?ttlMs=${wrong}`, { method: 'PUT', body: '1' })
      expect(refused).toMatchObject({ status: 400, body: { error: { code: 'bad-argument' } } })
    }
  })

  test('with bytes what was put as bytes', async () => {
    const headers = { 'content-type': 'application/octet-stream' }
    await ask('/buckets/b/keys/bytes', { method: 'PUT', headers, body: Uint8Array.of(0, 255) })
    const { body } = await ask('/buckets/b/keys/bytes')
    expect(body.siblings[0].value).toEqual({ $bytes: 'AP8=' })
  })

  test('with its raw bytes a value that is no structured data', async () => {
    const { member } = peers[0]!
    await member.write({
      kind: 'mint',
      key: makeKey('b', 'raw'),
      context: nothingSeen,
      value: makeValue(Uint8Array.of(0xff, 0xfe), 0),
      w: 2,
      origin: member.id,
      request: new Uint8Array(16),
    })
    const { body } = await ask('/buckets/b/keys/raw')
    expect(body.siblings).toMatchObject([{ value: { $undecodable: '//4=' } }])
  })

  test('how many keys each peer holds', async () => {
    const { body } = await ask('/status')
    const [first] = body.members
    expect(first.keys).toBeGreaterThan(0)
    await until('all peers to hold the same', async () => {
      const { members } = (await ask('/status')).body
      return members.every(({ keys }: any) => keys === members[0].keys)
    })
  })
})

describe('the control port refuses', () => {
  test.each<[what: string, headers: Record<string, string>]>([
    ['a page', { origin: 'http://localhost:7400' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['an image in a page', { 'sec-fetch-site': 'cross-site' }],
    ['a name that was pointed at this machine', { host: 'evil.example:7411' }],
    ['a name that only looks like this machine', { host: 'localhost.evil.example' }],
  ])('%s', async (_what, headers) => {
    for (const path of ['/status', '/buckets/b/keys/k']) {
      const { status, body } = await ask(path, { headers })
      expect(status).toBe(403)
      expect(body.error.code).toBe('not-admitted')
    }
    const write = await ask('/buckets/b/keys/foreign', { method: 'PUT', headers, body: '1' })
    expect(write.status).toBe(403)
    expect((await ask('/buckets/b/keys/foreign')).status).toBe(404)
  })

  test.each<[what: string, path: string, asked: Asked, status: number, code: string]>([
    ['an unknown path', '/nothing', {}, 404, 'bad-argument'],
    ['a path that is not well encoded', '/buckets/b/keys/%ff', {}, 400, 'bad-argument'],
    ['half a path', '/buckets/b/keys', {}, 404, 'bad-argument'],
    ['an empty key', '/buckets/b/keys/', {}, 400, 'bad-argument'],
    ['a bucket too long', `/buckets/${'b'.repeat(65)}/keys/k`, {}, 400, 'bucket-name-too-large'],
    ['a key too long', `/buckets/b/keys/${'k'.repeat(513)}`, {}, 400, 'key-too-large'],
    ['another method', '/buckets/b/keys/k', { method: 'POST', body: '1' }, 405, 'bad-argument'],
    ['R of zero', '/buckets/b/keys/k?r=0', {}, 400, 'bad-argument'],
    ['no JSON', '/buckets/b/keys/k', { method: 'PUT', body: '{' }, 400, 'bad-argument'],
    [
      'no UTF-8',
      '/buckets/b/keys/k',
      { method: 'PUT', body: Uint8Array.of(0x22, 0xff, 0x22) },
      400,
      'bad-argument',
    ],
    [
      'half a surrogate pair',
      '/buckets/b/keys/k',
      { method: 'PUT', body: '"\\ud800"' },
      400,
      'not-encodable',
    ],
    [
      'JSON nested without end',
      '/buckets/b/keys/k',
      { method: 'PUT', body: '['.repeat(100_000) + ']'.repeat(100_000) },
      400,
      'not-encodable',
    ],
    [
      'a value above 1 MiB',
      '/buckets/b/keys/k',
      { method: 'PUT', body: JSON.stringify('v'.repeat(1_048_577)) },
      413,
      'value-too-large',
    ],
    [
      'a context that is none',
      '/buckets/b/keys/k',
      { method: 'PUT', body: '1', headers: { 'ringlet-context': 'zz' } },
      400,
      'context-malformed',
    ],
  ])('%s', async (_what, path, asked, status, code) => {
    const answer = await ask(path, asked)
    expect({ status: answer.status, code: answer.body.error.code }).toEqual({ status, code })
    expect(answer.body.error.outcome).toBe('refused')
  })

  test('a body above its bound without reading it to the end', async () => {
    const endless = await ask('/buckets/b/keys/huge', {
      method: 'PUT',
      body: new Uint8Array(9 * 1024 * 1024),
    }).catch((error: NodeJS.ErrnoException) => error.code)
    // The port may close the connection before the client has sent all.
    if (typeof endless === 'object') expect(endless).toMatchObject({ status: 413 })
    else expect(['EPIPE', 'ECONNRESET']).toContain(endless)
    expect((await ask('/buckets/b/keys/huge')).status).toBe(404)
  })

  test('a context of another key', async () => {
    const { body } = await put('/buckets/b/keys/mine', 1)
    const answer = await put('/buckets/b/keys/other', 1, { 'ringlet-context': body.context })
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'context-of-another-key', outcome: 'refused' } },
    })
    expect(answer.body.error.remedy).toMatch(/\.$/)
  })

  test('the 33rd value that has seen none of the others, and takes one that has', async () => {
    for (let i = 0; i < 32; i++) {
      expect((await put('/buckets/b/keys/crowd', i)).status).toBe(200)
    }
    const blind = await put('/buckets/b/keys/crowd', 'one more')
    expect(blind).toMatchObject({ status: 409, body: { error: { code: 'too-many-siblings' } } })
    const { body } = await ask('/buckets/b/keys/crowd')
    const seeing = await put('/buckets/b/keys/crowd', 'all', { 'ringlet-context': body.context })
    expect(seeing.status).toBe(200)
    expect((await ask('/buckets/b/keys/crowd')).body.siblings).toHaveLength(1)
  })
})

test('a lone peer says that a put is in doubt, who answered what, and what to do', async () => {
  await Promise.all(peers.splice(1).map((peer) => peer.close()))
  const write = await put('/buckets/b/keys/alone', 1)
  expect(write.status).toBe(503)
  expect(write.body.error).toMatchObject({
    code: 'quorum-not-reached',
    outcome: 'unknown',
    needed: 2,
    got: 1,
  })
  expect(Object.keys(write.body.error.answers)).toHaveLength(3)
  expect(write.body.error.remedy).toMatch(/Start the peers/)
  const states = (await ask('/status')).body.members.map(({ state }: any) => state)
  expect(states.sort()).toEqual(['down', 'down', 'up'])
})
