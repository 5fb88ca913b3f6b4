/**
 * The development ring, as a newcomer starts, hurts, stops and starts it.
 */
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RingStatus } from '../../node/control-status.ts'
import { emptyFolder, isRunning, ringlet, TestRing, until } from './dev-ring.ts'

const pids = async (ring: TestRing, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, async (_, i) => (await ring.processOf(i + 1))!))

test('a ring starts in an empty folder, says where it is, ends with Ctrl-C, and is found again', async () => {
  using folder = emptyFolder()
  const first = await TestRing.start(folder.path)
  const ids = first.ports.peers.map(({ id }) => id)
  expect(first.out).toContain('of its own')
  expect(first.out).toMatch(/http:\/\/localhost:\d+\//)
  for (const [i, id] of ids.entries()) {
    expect(first.out).toMatch(new RegExp(`^peer-${i + 1} +up +33\\.3 % +dev-${i + 1} +${id}$`, 'm'))
    expect(statSync(join(first.folder, `peer-${i + 1}`, 'identity.key')).mode & 0o777).toBe(0o600)
  }
  await first.run('put', 'carts', 'alice', '{"mug":1}')
  const running = await pids(first, 3)
  expect(await first.stop()).toBe(0)
  expect(first.error).toBe('')
  expect(running.filter(isRunning)).toEqual([])

  const second = await TestRing.start(folder.path)
  expect(second.ports.peers.map(({ id }) => id)).toEqual(ids)
  expect((await second.run('get', 'carts', 'alice')).out).toBe('{"mug":1}\n')
  // As npm passes it on: twice.
  second.process.kill('SIGINT')
  expect(await second.stop()).toBe(0)
})

test('a ring ends its peers also when its launcher is killed, and can be started again', async () => {
  using folder = emptyFolder()
  const ring = await TestRing.start(folder.path)
  const running = await pids(ring, 3)
  await ring.run('put', 'carts', 'alice', '1')
  await ring.stop('SIGKILL')
  await until('the peers to end', () => !running.some(isRunning))
  await using again = await TestRing.start(folder.path)
  expect((await again.run('get', 'carts', 'alice')).out).toBe('1\n')
})

describe('a ring that runs', () => {
  const shared = emptyFolder()
  let ring: TestRing

  beforeAll(async () => {
    ring = await TestRing.start(shared.path)
  })

  afterAll(async () => {
    await ring.stop()
    shared[Symbol.dispose]()
  })

  test('goes on when a peer is killed, and that peer catches up when it is started again', async () => {
    await ring.run('put', 'carts', 'before', '1')

    await ring.kill(2)
    await ring.says('peer-2 is down (killed by SIGKILL). Start it again: npx ringlet start 2')
    for (const name of ['a', 'b', 'c', 'd']) {
      expect((await ring.run('put', 'carts', name, '2')).exit).toBe(0)
      expect((await ring.run('get', 'carts', name)).exit).toBe(0)
    }
    await until('peer 2 to be seen down', async () => stateOf(await status(ring), 2) === 'down')

    const started = await ring.run('start', '2')
    expect(started).toMatchObject({ exit: 0, error: '' })
    expect(started.out).toMatch(/peer-2 starts, in process \d+/)
    await until('peer 2 to catch up', async () => {
      const { members } = await status(ring)
      return members.every(({ state, hints, keys }) => state === 'up' && hints === 0 && keys! >= 5)
    })
    const { control } = ring.ports.peers[1]!
    expect((await ring.run('get', 'carts', 'd', '--peer', control, '--r', '3')).out).toBe('2\n')
    expect((await ring.run('start', '2')).out).toMatch(/peer-2 runs already/)
  })

  test('answers the command line at once while a peer is stopped in its tracks', async () => {
    await ring.run('put', 'carts', 'alice', '1')
    // The first that the command line turns to.
    await ring.kill(1, 'SIGSTOP')
    try {
      expect((await ring.run('get', 'carts', 'alice')).out).toBe('1\n')
      expect((await ring.run('put', 'carts', 'alice', '2')).exit).toBe(0)
      await until('peer 1 to be suspected', async () => stateOf(await status(ring), 1) !== 'up')
    } finally {
      await ring.kill(1, 'SIGCONT')
    }
    await until('peer 1 to be trusted again', async () => stateOf(await status(ring), 1) === 'up')
  })

  test('refuses reads, and says of writes that it does not know, when two of three are down', async () => {
    await ring.run('put', 'carts', 'doubt', '1')
    await ring.run('stop', '2')
    await ring.run('stop', '3')
    await ring.says('peer-2 is stopped.')
    await ring.says('peer-3 is stopped.')
    const read = await ring.run('get', 'carts', 'doubt')
    expect(read.exit).toBe(3)
    expect(read.error).toMatch(/quorum-not-reached/)
    expect(read.error).toMatch(/\n {2}peer-1: ok\n/)
    const careful = await ring.run('put', 'carts', 'doubt', '2')
    expect(careful.exit).toBe(3)
    const blind = await ring.ask('put', 'carts', 'doubt', '3', '--blind')
    expect(blind.error).toMatchObject({ outcome: 'unknown', needed: 2, got: 1 })
    expect((await ring.run('put', 'carts', 'doubt', '3', '--blind')).exit).toBe(4)
    expect((await ring.run('get', 'carts', 'doubt', '--r', '1')).exit).toBe(0)
    for (const number of ['2', '3']) expect((await ring.run('start', number)).exit).toBe(0)
    await until('all to be up again', async () => {
      return (await status(ring)).members.every(({ state }) => state === 'up')
    })
    // What was in doubt was kept after all.
    await until('the write in doubt to arrive', async () => {
      const { siblings } = await ring.ask('get', 'carts', 'doubt', '--r', '3')
      return siblings.some(({ value }: any) => value === 3)
    })
  })

  test('stops a peer in peace when asked, and does not call that a death', async () => {
    expect((await ring.run('stop', '3')).out).toBe('peer-3 is stopped.\n')
    await until('peer 3 to be seen down', async () => stateOf(await status(ring), 3) === 'down')
    await until('peer 3 to be gone', async () => (await ring.processOf(3)) === undefined)
    expect((await ring.run('stop', '3')).out).toBe('peer-3 does not run.\n')
    expect(ring.out).not.toContain('peer-3 is down')
  })

  test('is not started a second time', async () => {
    const second = await ringlet(ring.cwd, ['dev'])
    expect(second.exit).toBe(3)
    expect(second.error).toMatch(`runs already, in process ${ring.process.pid}`)
  })

  test('keeps its data folders to itself', async () => {
    const second = await ringlet(ring.cwd, [
      'peer',
      '--ring',
      '.ringlet/ring.json',
      '--data',
      '.ringlet/peer-1',
      '--tcp',
      '0',
      '--ws',
      '0',
      '--control',
      '0',
    ])
    expect(second.exit).toBe(3)
    expect(second.error).toMatch(/another process holds it.*\(store-locked\)\n {2}Stop the peer/)
  })

  test('refuses peers of another ring, and they refuse it', async () => {
    const [{ tcpPort, id }] = ring.ports.peers as [any]
    await ringlet(ring.cwd, ['init', 'other.json', '--name', 'dev'])
    const stranger = new AbortController()
    setTimeout(() => stranger.abort(), 4000)
    const ran = ringlet(
      ring.cwd,
      [
        'peer',
        '--ring',
        'other.json',
        '--data',
        'stranger',
        '--tcp',
        '0',
        '--ws',
        '0',
        '--control',
        '0',
        '--bootstrap',
        `/ip4/127.0.0.1/tcp/${tcpPort}/p2p/${id}`,
      ],
      '',
      stranger.signal,
    )
    await wait(2500)
    expect((await status(ring)).members).toHaveLength(3)
    expect((await ran).out).toContain('is a peer of the ring dev')
  })

  test('serves its page and the ring’s file, and nothing beside them', async () => {
    const { page } = ring.ports
    const index = await fetch(page)
    expect(index.status).toBe(200)
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(index.headers.get('cache-control')).toBe('no-cache')
    const html = await index.text()
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(html)?.[1]
    const asset = await fetch(new URL(script!, page))
    expect(asset.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(asset.headers.get('cache-control')).toContain('immutable')

    const file = await fetch(new URL('/.well-known/ringlet.json', page))
    expect(file.headers.get('access-control-allow-origin')).toBe('*')
    expect(file.headers.get('cache-control')).toBe('no-cache')
    const { ring: identity, bootstrap } = (await file.json()) as any
    expect(identity.name).toBe('dev')
    expect(bootstrap).toEqual(
      ring.ports.peers.map(({ wsPort, id }) => `/ip4/127.0.0.1/tcp/${wsPort}/ws/p2p/${id}`),
    )

    for (const path of [
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/%2e%2e/%2e%2e/package.json',
      '/assets/../../../package.json',
      '//etc/passwd',
      '/assets',
      '/nothing.html',
      '/%00',
    ]) {
      expect([path, await rawStatus(page, path)]).toEqual([path, 404])
    }
    expect(await rawStatus(page, '/%ff')).toBe(400)
    expect((await fetch(page, { method: 'POST', body: 'x' })).status).toBe(405)
  })
})

describe('five peers', () => {
  test('keep hints for one that is down, and hand them over when it is back', async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path, ['--peers', '5', '--port', '0'])
    expect((await status(ring)).members).toHaveLength(5)
    await ring.kill(2)
    await ring.says('peer-2 is down')
    const control = ring.ports.peers[0]!.control
    for (let i = 0; i < 40; i++) {
      const url = `${control}/buckets/hints/keys/${i}`
      expect((await fetch(url, { method: 'PUT', body: '1' })).status).toBe(200)
    }
    await until('hints to be owed', async () => owed(await status(ring)) > 0)
    expect((await ring.run('status')).out).toMatch(
      /Catching up: \d+ keys? (is|are) still on the way/,
    )
    await ring.run('start', '2')
    await until('all hints to be handed over', async () => {
      const now = await status(ring)
      return now.members.every(({ state }) => state === 'up') && owed(now) === 0
    })
  })
})

describe('a ring is not started, with one clear error,', () => {
  test('with another number of peers than it was made with', async () => {
    using folder = emptyFolder()
    const ring = await TestRing.start(folder.path)
    await ring.stop()
    const { exit, error } = await ringlet(folder.path, ['dev', '--peers', '5'])
    expect(exit).toBe(3)
    expect(error).toMatch(/^ringlet: The ring in \S+ was made with 3 peers and keeps them; .*\n$/)
  })

  test('on a port that another program has', async () => {
    using folder = emptyFolder()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { exit, error } = await ringlet(folder.path, ['dev', '--port', String(port)])
    expect(exit).toBe(3)
    expect(error).toMatch(`port ${port} already. (port-in-use)`)
    expect(error).toMatch('--port')
    expect(readdirSync(folder.path)).toEqual([])
    other.close()
  })

  test.each([
    [['--peers', '2'], /3 to 9 peers, not 2/, 3],
    [['--peers', 'five'], /--peers five is no whole number/, 2],
    [['--port', '70000'], /--port 70000 is no whole number/, 2],
  ])('with %j', async (args, says, exit) => {
    using folder = emptyFolder()
    const ran = await ringlet(folder.path, ['dev', ...args])
    expect(ran.exit).toBe(exit)
    expect(ran.error).toMatch(says)
  })

  test('in a folder whose store is of a newer format', async () => {
    using folder = emptyFolder()
    const ring = await TestRing.start(folder.path)
    await ring.stop()
    const { DatabaseSync } = await import('node:sqlite')
    const store = new DatabaseSync(join(ring.folder, 'peer-2', 'store.db'))
    store.exec('pragma user_version = 99')
    store.close()
    const { exit, error } = await ringlet(folder.path, ['dev'])
    expect(exit).toBe(3)
    expect(error).toMatch(/peer-2 does not start: .*format 99.*newer version/)
  })

  test('where a file stands in the place of its folder', async () => {
    using folder = emptyFolder()
    writeFileSync(join(folder.path, '.ringlet'), '')
    const { exit, error } = await ringlet(folder.path, ['dev', '--port', '0'])
    expect(exit).toBe(3)
    expect(error).toMatch(/\.ringlet/)
  })

  test('with a ring file that is none', async () => {
    using folder = emptyFolder()
    mkdirSync(join(folder.path, '.ringlet'))
    writeFileSync(join(folder.path, '.ringlet', 'ring.json'), '{}')
    const { exit, error } = await ringlet(folder.path, ['dev', '--port', '0'])
    expect(exit).toBe(3)
    expect(error).toMatch(/\(ring-file\)/)
  })
})

describe('ringlet init', () => {
  test('makes a ring’s identity once, and refuses to do so again', async () => {
    using folder = emptyFolder()
    const made = await ringlet(folder.path, ['init', '--name', 'shop', '--json'])
    expect(made.exit).toBe(0)
    const path = join(folder.path, 'ring.json')
    const text = readFileSync(path, 'utf8')
    const { ring } = JSON.parse(text)
    expect(ring).toMatchObject({ name: 'shop', n: 3, q: 4096, durableOwners: 3 })
    expect(Buffer.from(ring.id, 'base64url')).toHaveLength(16)

    const again = await ringlet(folder.path, ['init', '--name', 'shop'])
    expect(again.exit).toBe(3)
    expect(again.error).toMatch(/is there already, and stays as it is/)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test.each([
    [['--name', 'my shop'], 3],
    [['--q', '1000'], 3],
    [['--n', '99'], 2],
    [['--n', '2', '--durable-owners', '3'], 2],
  ])('refuses %j', async (args, exit) => {
    using folder = emptyFolder()
    expect((await ringlet(folder.path, ['init', ...args])).exit).toBe(exit)
    expect(readdirSync(folder.path)).toEqual([])
  })
})

function status(ring: TestRing): Promise<RingStatus> {
  return ring.ask<RingStatus>('status')
}

function stateOf({ members }: RingStatus, number: number): string | undefined {
  return members.find(({ host }) => host === `dev-${number}`)?.state
}

function owed({ members }: RingStatus): number {
  return members.reduce((sum, { hints }) => sum + (hints ?? 0), 0)
}

/** `fetch` would tidy the path first. */
async function rawStatus(page: string, path: string): Promise<number> {
  const socket = connect(Number(new URL(page).port), '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
  let text = ''
  for await (const piece of socket) text += String(piece)
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
}
