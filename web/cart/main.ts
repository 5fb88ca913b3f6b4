/**
 * The demo: a shop in a tab.
 *
 * It opens the ring of the server that served the page, follows the cart that the address names, and draws what the peer says.
 * Here everything is put together: what is learnt goes into the store, what is asked goes to the peer.
 */
import { forgetRing, open, type Peer } from '../index.ts'
import { addressOf, cartNow, wantsTrace } from './address.ts'
import { drawPage } from './app.tsx'
import { EventLog, type TracedEvent } from './event-log.ts'
import { keepForOffline } from './offline.ts'
import { lazyParts } from './lazy-parts.ts'
import * as remembered from './remembered.ts'
import { Session } from './session.ts'
import type { Asked } from './shown.ts'
import { Store } from './store.ts'

const log = new EventLog()
let session: Session | undefined

const store = new Store(
  {
    key: cartNow(),
    peer: undefined,
    status: undefined,
    read: undefined,
    source: 'nowhere yet',
    failures: {},
    undo: undefined,
    isCut: remembered.cut.read(),
    isOnline: navigator.onLine,
    isRingOpen: remembered.ringOpen.read(),
    isRingAsked: false,
    isChoosing: false,
    carts: remembered.withCart(cartNow()),
    parts: {},
  },
  (shown) => drawPage(shown, asked, log),
)

const asked: Asked = {
  change: (product, wish) => session?.change(product, wish),
  undo: () => session?.undo(),
  cut(isCut) {
    remembered.cut.write(isCut)
    store.now.peer?.setGate(!isCut)
    store.set({ isCut })
  },
  showRing(isRingOpen) {
    remembered.ringOpen.write(isRingOpen)
    store.set({ isRingOpen, isRingAsked: isRingOpen })
    if (isRingOpen) load('Ring')
  },
  choose(isChoosing) {
    store.set({ isChoosing, carts: remembered.knownCarts() })
    if (isChoosing) load('Carts')
  },
  goTo(key) {
    if (key !== store.now.key) history.pushState(null, '', addressOf(key))
    show(key)
  },
  mend(how) {
    if (how === 'forget') forgetRing(location.origin)
    location.reload()
  },
}

addEventListener('error', ({ error, message }) => store.fail('defect', error ?? message))
addEventListener('unhandledrejection', ({ reason }) => store.fail('defect', reason))
addEventListener('popstate', () => show(cartNow()))
for (const turn of ['online', 'offline']) {
  addEventListener(turn, () => store.set({ isOnline: navigator.onLine }))
}
addEventListener('load', () => keepForOffline())
store.set({})
load('Soon')
if (store.now.isRingOpen) load('Ring')
start().catch((error: unknown) => store.fail('open', error))

async function start(): Promise<void> {
  const { isCut } = store.now
  const peer = await open(location.origin, { gate: isCut ? 'closed' : 'open', trace })
  // The switch may have been turned meanwhile.
  peer.setGate(!store.now.isCut)
  let { reach } = peer.status
  peer.addEventListener('status', ({ detail: status }) => {
    if (reach === 'none' && status.reach !== 'none') session?.load()
    reach = status.reach
    store.set({ status })
  })
  store.set({ peer, status: peer.status })
  begin(peer)
}

/** Shows another cart, with the same peer. */
function show(key: string): void {
  store.set({ isChoosing: false })
  const { peer } = store.now
  if (key === store.now.key) return
  session?.end()
  const { cart: _cart, read: _read, shop: _shop, ...failures } = store.now.failures
  const carts = remembered.withCart(key)
  store.set({ key, carts, read: undefined, source: 'nowhere yet', undo: undefined, failures })
  if (peer !== undefined) begin(peer)
}

function begin(peer: Peer): void {
  session = new Session(store, peer)
}

function load(part: keyof typeof lazyParts): void {
  lazyParts[part]().then(
    (loaded) => {
      store.succeed('part')
      store.set({ parts: { ...store.now.parts, ...loaded } })
    },
    (error: unknown) => store.fail('part', error),
  )
}

function trace(event: TracedEvent): void {
  log.add(event)
  if (wantsTrace()) console.debug(JSON.stringify(event))
}
