/** `open` in a page without any ring in reach: identity, slots, the gate, and what happens without storage. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cart, open, type Peer } from '../../web/index.ts'
import { openIndexedDb } from '../../web/indexeddb.ts'

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

test.each(['SecurityError', 'InvalidStateError'])(
  'where the browser refuses every database (%s), as in some private windows, it is a stranger too',
  async (name) => {
    const refuse = (): never => {
      throw new DOMException('no', name)
    }
    vi.stubGlobal('indexedDB', { open: refuse })
    const peer = await openHere({ gate: 'closed' })
    expect(peer.status.warnings.join()).toContain('lost with the tab')
    await vi.waitFor(async () => expect((await navigator.locks.query()).held).toEqual([]))
  },
)

test.each([true, false])(
  'the browser is asked to keep what is stored: %s is shown',
  async (stays) => {
    const persist = vi.spyOn(navigator.storage, 'persist').mockResolvedValue(stays)
    vi.spyOn(navigator.storage, 'persisted').mockResolvedValue(stays)
    try {
      const peer = await openHere({ gate: 'closed' })
      await vi.waitFor(() => expect(persist).toHaveBeenCalledOnce())
      const warning = 'may clear'
      if (!stays) await vi.waitFor(() => expect(peer.status.warnings.join()).toContain(warning))
      await peer.bucket('carts', cart).follow('alice')
      await vi.waitFor(() => expect(peer.status.storage.persisted).toBe(stays))
      expect(peer.status.warnings.join().includes(warning)).toBe(!stays)
    } finally {
      vi.restoreAllMocks()
    }
  },
)

/** A peer that holds a cart, and what its watch shows until it ends. */
async function shopping(): Promise<{ peer: Peer; watched: Promise<unknown> }> {
  const peer = await openHere({ gate: 'closed' })
  const carts = peer.bucket('carts', cart)
  await carts.follow('alice')
  await carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
  const watched = (async () => {
    for await (const { value } of carts.watch('alice')) void value
  })()
  watched.catch(() => {})
  return { peer, watched }
}

async function expectTaken(peer: Peer, watched: Promise<unknown>): Promise<void> {
  const taken = { name: 'StorageError', code: 'slot-taken', outcome: 'refused' }
  await expect(watched).rejects.toMatchObject(taken)
  const carts = peer.bucket('carts', cart)
  const add = carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
  await expect(add).rejects.toMatchObject({ ...taken, remedy: expect.stringMatching(/^Reload/) })
  await expect(carts.get('alice')).rejects.toMatchObject(taken)
  await expect(carts.get('alice', { consistency: 'local' })).rejects.toMatchObject(taken)
  await expect(carts.put('alice', cart.empty)).rejects.toMatchObject(taken)
  await expect(carts.delete('alice')).rejects.toMatchObject(taken)
  await expect(carts.follow('bob')).rejects.toMatchObject(taken)
  await expect(carts.watch('alice')[Symbol.asyncIterator]().next()).rejects.toMatchObject(taken)
  expect(peer.status.warnings.join()).toContain('Reload the page')
  expect(peer.status.links).toEqual([])
  await peer.close()
}

/** The database of the only slot that is held. */
async function heldDatabase(): Promise<string> {
  const { held = [] } = await navigator.locks.query()
  return held[0]!.name!.replaceAll(':', '-')
}

test('a tab whose slot is taken from it ends at once, and says why', async () => {
  const { peer, watched } = await shopping()
  const { held = [] } = await navigator.locks.query()
  const { promise: end, resolve: release } = Promise.withResolvers<void>()
  const thief = navigator.locks.request(held[0]!.name!, { steal: true }, () => end)
  await expectTaken(peer, watched)
  release()
  await thief
  // What it had saved is there for whoever takes the slot.
  const heir = await openHere({ gate: 'closed' })
  expect(heir.id).toBe(peer.id)
  expect(heir.status.pendingWrites).toBe(1)
})

test('a tab that wakes finds out that its database is another’s, whatever its lock says', async () => {
  const { peer, watched } = await shopping()
  const thief = await openIndexedDb(await heldDatabase())
  document.dispatchEvent(new Event('freeze'))
  expect(peer.status.activity).toBe('asleep')
  document.dispatchEvent(new Event('resume'))
  await expectTaken(peer, watched)
  await thief.close()
})

test('a tab that sleeps and wakes is who it was, and goes on', async () => {
  const { peer } = await shopping()
  document.dispatchEvent(new Event('freeze'))
  expect(peer.status.activity).toBe('asleep')
  const carts = peer.bucket('carts', cart)
  await carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
  document.dispatchEvent(new Event('resume'))
  await vi.waitFor(() => expect(peer.status.activity).toBe('awake'))
  const { value } = await carts.get('alice', { consistency: 'local' })
  expect(cart.items(value)).toEqual([{ product: 'mug', quantity: 2 }])
  expect(peer.status.warnings.join()).not.toContain('Reload')
})

test('in a worker, which has no page, it keeps what is written like a tab', async () => {
  const inWorker = async (): Promise<unknown> => {
    const worker = new Worker(new URL('./worker-peer.ts', import.meta.url), { type: 'module' })
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage(ring)
    })
    worker.terminate()
    await vi.waitFor(async () => expect((await navigator.locks.query()).held).toEqual([]))
    return answer
  }
  const first = await inWorker()
  expect(first).toMatchObject({ pending: 1, items: [{ product: 'mug', quantity: 1 }] })
  const { id } = first as { id: string }
  const items = [{ product: 'mug', quantity: 2 }]
  expect(await inWorker()).toMatchObject({ id, pending: 2, items })
})

test('what is no ring file is refused', async () => {
  await expect(open({})).rejects.toMatchObject({ code: 'ring-file' })
  await expect(open({ ringlet: 1, ring: {} })).rejects.toMatchObject({ code: 'ring-file' })
})
