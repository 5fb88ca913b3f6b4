/**
 * The demo: a shopping cart in a tab.
 *
 * It opens the ring of the server that served the page, follows one cart, and shows what the peer says. All shopping
 * is `update`, which is done once it is on this device; that it goes further is shown, not waited for.
 */
import { cart, type Cart, forgetRing, open, type Peer, RingletError } from '../index.ts'
import type { OpenOptions, TypedBucket, TypedRead } from '../index.ts'
import { Page } from './page.ts'
import {
  emptySentence,
  noCart,
  reachSentence,
  savedSentence,
  type Source,
  troubleOf,
} from './sentences.ts'

type Carts = TypedBucket<Cart>
type Trace = NonNullable<OpenOptions['trace']>

/** Of the tab, not of the origin: the other tabs are not cut off with it, and a reload keeps it. */
const cutKey = 'ringlet-cart:cut'

const asked = new URLSearchParams(location.search)
const key = asked.get('cart') || 'alice'
/** `?trace` writes each event of the protocol into the browser's console. */
const trace: Trace = (event) => {
  if (asked.has('trace')) console.debug(JSON.stringify(event))
}

let peer: Peer | undefined
let carts: Carts | undefined
let read: TypedRead<Cart> | undefined
let source: Source = 'nowhere yet'
let isCut = sessionStorage.getItem(cutKey) === 'yes'
/** What went wrong last, by what was tried; a later success takes it away. */
const failures = new Map<'open' | 'read' | 'shop' | 'defect', unknown>()

const page = new Page({
  add: (product) => shop((value, write) => cart.add(value, product, 1, write)),
  remove: (product) => shop((value, write) => cart.remove(value, product, write)),
  cut(next) {
    isCut = next
    sessionStorage.setItem(cutKey, isCut ? 'yes' : 'no')
    peer?.setGate(!isCut)
    page.showCut(isCut)
  },
})

page.showWhose(key)
page.showCut(isCut)
addEventListener('error', ({ error, message }) => fail('defect', error ?? message))
addEventListener('unhandledrejection', ({ reason }) => fail('defect', reason))
start().catch((error: unknown) => fail('open', error))

async function start(): Promise<void> {
  peer = await open(location.origin, { gate: isCut ? 'closed' : 'open', trace })
  // The switch may have been turned meanwhile.
  peer.setGate(!isCut)
  const opened = peer.bucket('carts', cart)
  await opened.follow(key)
  carts = opened
  page.showOpen()
  let reach = peer.status.reach
  peer.addEventListener('status', ({ detail: status }) => {
    if (reach === 'none' && status.reach !== 'none') load(opened)
    reach = status.reach
    show()
  })
  load(opened)
  for await (const next of opened.watch(key)) {
    read = next
    show()
  }
}

/** Asks a quorum, to know whether one has been asked; what it answers comes by the watch too. */
function load(opened: Carts): void {
  attempt('read', async () => {
    source = (await opened.get(key)).source
  })
}

function shop(change: Parameters<Carts['update']>[1]): void {
  const opened = carts
  if (opened !== undefined) attempt('shop', () => opened.update(key, change))
}

function attempt(what: 'read' | 'shop', work: () => Promise<unknown>): void {
  const worked = work().then(() => failures.delete(what))
  worked.then(show, (error: unknown) => fail(what, error))
}

function fail(what: 'open' | 'read' | 'shop' | 'defect', error: unknown): void {
  failures.set(what, error)
  show()
}

function show(): void {
  showTrouble()
  if (peer === undefined || read === undefined) {
    if (failures.has('open')) page.showClosed('The ring could not be opened')
    return
  }
  const { status } = peer
  page.showPeer(status.id, status.warnings)
  page.showStanding(savedSentence(read.stage, source), reachSentence(status))
  page.showItems(cart.items(read.value), emptySentence(read, source))
}

function showTrouble(): void {
  if (read !== undefined && read.invalid.length > 0) {
    return page.showTrouble(noCart(key, read.invalid))
  }
  const [error] = failures.values()
  if (error === undefined) return page.showTrouble(undefined)
  const isAnotherRing = error instanceof RingletError && error.code === 'wrong-ring'
  page.showTrouble(troubleOf(error), isAnotherRing ? forget : undefined)
}

const forget = {
  label: 'Forget the earlier ring',
  run() {
    forgetRing(location.origin)
    location.reload()
  },
}
