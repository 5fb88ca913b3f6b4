/** `open` in a page without any ring in reach: identity, slots, the gate, and what happens without storage. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cart, open, type Peer } from '../../web/index.ts'

const opened: Peer[] = []
let ring: object = {}
let rings = 0
const sockets: string[] = []

beforeEach(() => {
  ring = ringFile(++rings)
  sockets.length = 0
  const Real = WebSocket
  vi.stubGlobal(
    'WebSocket',
    class extends Real {
      constructor(address: string | URL) {
        super(address)
        sockets.push(String(address))
      }
    },
  )
})

afterEach(async () => {
  vi.unstubAllGlobals()
  for (const peer of opened.splice(0)) await peer.close()
  sessionStorage.clear()
  localStorage.clear()
})

/** Of a ring that nobody serves: the second address can be dialled by no page, and nobody listens at the first. */
function ringFile(number: number): object {
  const id = btoa(`${performance.timeOrigin}-${number}`.padEnd(16, '-').slice(-16))
  return {
    ringlet: 1,
    ring: { name: 'nowhere', id: id.slice(0, 22), n: 3, q: 64, durableOwners: 3 },
    bootstrap: ['/ip4/127.0.0.1/tcp/9/ws', '/ip4/127.0.0.1/tcp/10'],
  }
}

async function openHere(options?: Parameters<typeof open>[1]): Promise<Peer> {
  const peer = await open(ring, options)
  opened.push(peer)
  return peer
}

test('two peers of one origin have two identities, and each comes back to its own', async () => {
  const first = await openHere({ gate: 'closed' })
  const second = await openHere({ gate: 'closed' })
  const identities = [first.id, second.id]
  expect(new Set(identities).size).toBe(2)
  await second.close()
  await first.close()
  const again = await openHere({ gate: 'closed' })
  const other = await openHere({ gate: 'closed' })
  expect([again.id, other.id]).toEqual(identities)
})

test('another ring is another identity', async () => {
  const one = await openHere({ gate: 'closed' })
  ring = ringFile(++rings)
  const two = await openHere({ gate: 'closed' })
  expect(one.id).not.toBe(two.id)
})

test('what is written offline is there after closing and opening again, still owed', async () => {
  const before = await openHere({ gate: 'closed' })
  const saved = await before
    .bucket('carts', cart)
    .update('alice', (value, write) => cart.add(value, 'mug', 2, write))
  expect(saved.stage).toBe('device')
  expect(before.status).toMatchObject({ gate: 'closed', reach: 'none', pendingWrites: 1 })
  await before.close()

  const after = await openHere({ gate: 'closed' })
  expect(after.status.pendingWrites).toBe(1)
  const read = await after.bucket('carts', cart).get('alice', { consistency: 'local' })
  expect(cart.items(read.value)).toEqual([{ product: 'mug', quantity: 2 }])
  expect(read).toMatchObject({ source: 'local', pending: 1, stage: 'device' })
  expect((await after.receipt(saved.id))?.stage).toBe('device')
})

test('with the gate closed nobody is dialled, until it is opened', async () => {
  const peer = await openHere({ gate: 'closed' })
  await peer.bucket('carts', cart).follow('alice')
  await new Promise((resolve) => {
    setTimeout(resolve, 1500)
  })
  expect(sockets).toEqual([])
  expect(peer.status.gate).toBe('closed')
  peer.setGate(true)
  expect(peer.status.gate).toBe('open')
  await vi.waitFor(() => expect(sockets).not.toEqual([]), 5000)
  expect(new Set(sockets)).toEqual(new Set(['ws://127.0.0.1:9']))
})

test('a peer that is closed gives its slot back, and so does one that could not be opened', async () => {
  const peer = await openHere({ gate: 'closed' })
  const { id } = peer
  await peer.close()
  await peer.close()
  await vi.waitFor(async () => expect((await navigator.locks.query()).held).toEqual([]))
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new DOMException('no', 'UnknownError')
    },
  })
  await expect(open(ring)).rejects.toMatchObject({ name: 'StorageError' })
  await vi.waitFor(async () => expect((await navigator.locks.query()).held).toEqual([]))
  vi.unstubAllGlobals()
  expect((await openHere({ gate: 'closed' })).id).toBe(id)
})

test.each(['indexedDB', 'navigator'])(
  'without %s it is a stranger that forgets, and says so',
  async (missing) => {
    vi.stubGlobal(missing, missing === 'navigator' ? { ...navigator, locks: undefined } : undefined)
    const one = await openHere({ gate: 'closed' })
    await one
      .bucket('carts', cart)
      .update('alice', (value, write) => cart.add(value, 'mug', 1, write))
    expect(one.status.warnings.join()).toContain('lost with the tab')
    await one.close()
    const two = await openHere({ gate: 'closed' })
    expect(two.id).not.toBe(one.id)
    expect(two.status.pendingWrites).toBe(0)
  },
)

test('what is no ring file is refused', async () => {
  await expect(open({})).rejects.toMatchObject({ code: 'ring-file' })
  await expect(open({ ringlet: 1, ring: {} })).rejects.toMatchObject({ code: 'ring-file' })
})
