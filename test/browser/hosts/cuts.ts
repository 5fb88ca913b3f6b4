/**
 * The cuts that are tried: who is cut from whom, for how long, who does what meanwhile, and who can hear of it.
 *
 * Three tabs take part: `ours` and `beside` in one browser, `theirs` in another, on another host. A tab talks to peers only,
 * never to its neighbour; where a browser's host is cut off, each of its tabs is alone.
 */
import type { Change } from './expected.ts'
import { type BrowserHost, expect, peers } from './hosts.ts'
import type { Network } from '../../hosts/network.ts'
import type { Tab } from '../tabs.ts'

export type TabName = 'ours' | 'beside' | 'theirs'
export type Tabs = Readonly<Record<TabName, Tab>>
export type Host = BrowserHost | (typeof peers)[number]
export type Act = readonly [tab: TabName, ...Change]

/** Tabs and peers that go on hearing of each other's changes. */
export interface Side {
  readonly acts: readonly Act[]
  readonly peers: readonly Host[]
  /** How far its changes get while the cut lasts: a quorum needs two peers. */
  readonly stage: 'device' | 'quorum'
  /** It may hear of the other sides too, as the cut is in one direction only. Such a side acts first. */
  readonly hears?: true
}

export type Means =
  | { readonly by: 'gate' }
  | { readonly by: 'cable' }
  /** From each of the first to each of the second nothing arrives. */
  | { readonly by: 'silence'; readonly ways: readonly Way[] }

export type Way = readonly [from: readonly Host[], to: readonly Host[]]

export interface Cut {
  readonly name: string
  readonly means: Means
  readonly sides: readonly Side[]
}

const left: readonly Host[] = ['left']
const tabHosts: readonly Host[] = ['left', 'right']
const none: readonly Host[] = []

const ourActs: readonly Act[] = [
  ['ours', 'add', 'lamp'],
  ['ours', 'remove', 'mug'],
  ['ours', 'remove', 'clock'],
]
const besideActs: readonly Act[] = [['beside', 'add', 'plant']]
const theirActs: readonly Act[] = [
  ['theirs', 'add', 'kite'],
  ['theirs', 'remove', 'book'],
  ['theirs', 'remove', 'clock'],
  ['theirs', 'add', 'mug'],
]

/** Both tabs of the left host, each alone. */
const leftTabs: readonly Side[] = [
  { acts: ourActs, peers: none, stage: 'device' },
  { acts: besideActs, peers: none, stage: 'device' },
]
const rightTab: Side = { acts: theirActs, peers, stage: 'quorum' }

export const gate: Cut = {
  name: 'one tab by its gate',
  means: { by: 'gate' },
  sides: [
    { acts: ourActs, peers: none, stage: 'device' },
    { acts: [...besideActs, ...theirActs], peers, stage: 'quorum' },
  ],
}

export const cable: Cut = {
  name: 'a host of tabs whose cable is pulled',
  means: { by: 'cable' },
  sides: [...leftTabs, rightTab],
}

export const silence: Cut = {
  name: 'a host of tabs and all peers, silently',
  means: { by: 'silence', ways: bothWays(left, peers) },
  sides: [...leftTabs, rightTab],
}

export const unheard: Cut = {
  name: 'a host of tabs that hears all peers, and none hears it',
  means: { by: 'silence', ways: [[left, peers]] },
  sides: [...leftTabs.map((side) => ({ ...side, hears: true as const })), rightTab],
}

export const deaf: Cut = {
  name: 'a host of tabs that all peers hear, and it hears none',
  means: { by: 'silence', ways: [[peers, left]] },
  sides: [...leftTabs, { ...rightTab, peers: none, hears: true }],
}

export const halves: Cut = {
  name: 'a tab with two peers and a tab with the two others',
  means: {
    by: 'silence',
    ways: bothWays(['left', 'peer-1', 'peer-2'], ['right', 'peer-3', 'peer-4']),
  },
  sides: [
    { acts: [...ourActs, ...besideActs], peers: ['peer-1', 'peer-2'], stage: 'quorum' },
    { acts: theirActs, peers: ['peer-3', 'peer-4'], stage: 'quorum' },
  ],
}

/** What one peer alone holds of a write is not known: the tab that wrote it says what it shows. */
export const withOnePeer: Cut = {
  name: 'a tab with one peer and a tab with the others',
  means: {
    by: 'silence',
    ways: bothWays(['left', 'peer-1'], ['right', 'peer-2', 'peer-3', 'peer-4']),
  },
  sides: [
    { acts: ourActs, peers: none, stage: 'device' },
    { acts: theirActs, peers: ['peer-2', 'peer-3', 'peer-4'], stage: 'quorum' },
  ],
}

/** Of all tabs together: they see each other's changes, and a clock that is gone cannot be removed again. */
const all: readonly Act[] = [
  ...ourActs,
  ...besideActs,
  ...theirActs.filter(([, , product]) => product !== 'clock'),
]

/** An owner of the cart is cut off, and all tabs go on without it. */
export const ownerAlone = (owner: Host): Cut => ({
  name: 'an owner and everybody else',
  means: { by: 'silence', ways: bothWays([owner], [...tabHosts, ...besides(owner)]) },
  sides: [
    { acts: [], peers: [owner], stage: 'quorum' },
    { acts: all, peers: besides(owner), stage: 'quorum' },
  ],
})

export const ownerUnheard = (owner: Host): Cut => ({
  name: 'an owner whom nobody hears',
  means: { by: 'silence', ways: [[[owner], [...tabHosts, ...besides(owner)]]] },
  sides: [{ acts: all, peers: besides(owner), stage: 'quorum', hears: true }],
})

export const ownerDeaf = (owner: Host): Cut => ({
  name: 'an owner who hears nobody',
  means: { by: 'silence', ways: [[[...tabHosts, ...besides(owner)], [owner]]] },
  sides: [
    { acts: [], peers: [owner], stage: 'quorum' },
    { acts: all, peers: besides(owner), stage: 'quorum' },
  ],
})

export async function make({ means }: Cut, network: Network, tabs: Tabs): Promise<void> {
  if (means.by === 'gate') await tabs.ours.cutOff()
  if (means.by === 'cable') network.pull('left')
  if (means.by === 'silence') for (const way of means.ways) network.silence(...way)
}

export async function heal({ means }: Cut, network: Network, tabs: Tabs): Promise<void> {
  if (means.by === 'gate') await tabs.ours.cutSwitch.uncheck()
  else network.heal()
}

/** Sends packets over each way that is cut, and back where that is not: exactly those that must be lost are. */
export async function proveCut({ means }: Cut, network: Network, tabs: Tabs): Promise<void> {
  if (means.by === 'gate') return expect(tabs.ours.openSockets).toBe(0)
  const cut = pairsOf(means)
  expect(await lostOf(cut, network)).toEqual(cut.map(nameOf))
  const isCut = (pair: readonly Host[]): boolean => cut.map(nameOf).includes(nameOf(pair))
  const open = cut.map((pair) => pair.toReversed()).filter((pair) => !isCut(pair))
  await toArrive(open, network)
}

/** That nothing is cut any more. */
export async function proveWhole({ means }: Cut, network: Network, tabs: Tabs): Promise<void> {
  if (means.by === 'gate') return expect.poll(() => tabs.ours.openSockets).toBeGreaterThan(0)
  await toArrive(pairsOf(means), network)
}

/** On a busy machine even what arrives may be late. */
async function toArrive(pairs: readonly Host[][], network: Network): Promise<void> {
  await expect.poll(() => lostOf(pairs, network)).toEqual([])
}

function pairsOf(means: Exclude<Means, { by: 'gate' }>): Host[][] {
  const ways = means.by === 'cable' ? bothWays(left, peers) : means.ways
  return ways.flatMap(([from, to]) => from.flatMap((one) => to.map((other) => [one, other])))
}

async function lostOf(pairs: readonly Host[][], network: Network): Promise<string[]> {
  const arrives = await Promise.all(pairs.map(([from, to]) => network.reaches(from!, to!)))
  return pairs.filter((_, at) => arrives[at] === false).map(nameOf)
}

const nameOf = (way: readonly Host[]): string => way.join(' → ')

/** Those that may still hear others first. */
export function hearingFirst(a: Side, b: Side): number {
  return Number(b.hears ?? false) - Number(a.hears ?? false)
}

function bothWays(a: readonly Host[], b: readonly Host[]): Way[] {
  return [
    [a, b],
    [b, a],
  ]
}

function besides(peer: Host): Host[] {
  return peers.filter((other) => other !== peer)
}
