/** Node's door against a real ring: an edge that survives its ring, a member, and what it refuses. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { open } from '../../node/open.ts'
import { loadRingFile } from '../../node/ring-file.ts'
import { cart } from '../../src/values/cart.ts'
import { emptyFolder, TestRing, until } from './dev-ring.ts'

test('an edge opens again without its ring, shows what it followed and delivers later', async () => {
  using folder = emptyFolder()
  const data = join(folder.path, 'edge')
  let ring = await TestRing.start(folder.path)
  const address = ring.ports.page
  {
    await using peer = await open(address, { data })
    const carts = peer.bucket('carts', cart)
    await carts.follow('alice')
    const saved = await carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
    await saved.reached('quorum')
  }
  await ring.stop()
  let id: string
  {
    await using peer = await open(address, { data })
    const carts = peer.bucket('carts', cart)
    const { value, source } = await carts.get('alice')
    expect(source).toBe('local')
    expect(cart.items(value)).toEqual([{ product: 'mug', quantity: 1 }])
    const saved = await carts.update('alice', (cup, write) => cart.add(cup, 'tea', 2, write))
    expect(saved.stage).toBe('device')
    id = saved.id
    expect(peer.status).toMatchObject({ reach: 'none', pendingWrites: 1 })
  }
  ring = await TestRing.start(folder.path)
  try {
    await using peer = await open(ring.ports.page, { data })
    const receipt = await peer.receipt(id)
    await receipt!.reached('everywhere')
    const { siblings } = await ring.ask<{ siblings: unknown[] }>('get', 'carts', 'alice')
    expect(JSON.stringify(siblings)).toContain('tea')
  } finally {
    await ring.stop()
  }
}, 90_000)

test('a member in the application joins, is seen, and owns its share', async () => {
  using folder = emptyFolder()
  await using ring = await TestRing.start(folder.path)
  const file = loadRingFile(join(ring.folder, 'ring.json'))
  const data = join(folder.path, 'member')
  await using peer = await open(file, { data, listen: ['/ip4/127.0.0.1/tcp/0'] })
  await until('all four know each other', async () => {
    const { members } = await ring.ask<{ members: unknown[] }>('status')
    return members.length === 4 && peer.status.members.length === 4
  })
  expect(peer.status.kind).toBe('member')
  const notes = peer.bucket('notes')
  await notes.put('a', { text: 'from inside' })
  const read = await ring.ask<{ value: unknown }>('get', 'notes', 'a')
  expect(JSON.stringify(read)).toContain('from inside')
}, 60_000)

test('says what is wrong with an address, a folder, a missing folder', async () => {
  using folder = emptyFolder()
  await expect(open('nonsense')).rejects.toMatchObject({ code: 'bad-argument' })
  await expect(open('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'unreachable' })
  await using ring = await TestRing.start(folder.path)
  const file = loadRingFile(join(ring.folder, 'ring.json'))
  await expect(open(file, { listen: ['/ip4/127.0.0.1/tcp/0'] })).rejects.toMatchObject({
    code: 'bad-argument',
  })
  await expect(open(file, { data: join(ring.folder, 'peer-1') })).rejects.toMatchObject({
    code: 'store-locked',
  })
  const data = join(folder.path, 'edge')
  await (await open(file, { data })).close()
  const other = { ...file, identity: { ...file.identity, name: 'other' } }
  await expect(open(other, { data })).rejects.toMatchObject({ code: 'wrong-ring' })
}, 60_000)
