/** A peer in a worker, for the tests: it is cut off, adds a mug to a cart, and says what it then holds. */
import { cart, open } from '../../web/index.ts'

addEventListener('message', ({ data: ring }: MessageEvent<object>) => {
  void shop(ring).then(
    (shopped) => postMessage(shopped),
    (error: unknown) => postMessage(String(error)),
  )
})

async function shop(ring: object): Promise<object> {
  const peer = await open(ring, { gate: 'closed' })
  const carts = peer.bucket('carts', cart)
  await carts.follow('alice')
  await carts.update('alice', (value, write) => cart.add(value, 'mug', 1, write))
  const { value } = await carts.get('alice', { consistency: 'local' })
  return { id: peer.id, pending: peer.status.pendingWrites, items: cart.items(value) }
}
