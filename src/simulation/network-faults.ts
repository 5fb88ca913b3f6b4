/**
 * What goes wrong between machines: cuts of every shape, and messages that get lost, doubled or late.
 */
import type { PeerId } from '../protocol/membership.ts'
import type { Machine } from './machine.ts'
import type { Blocks } from './network.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const networkFaults = {
  partition,
  'partial partition': partialPartition,
  'one-way cut': oneWay,
  'isolated peer': isolate,
  'flapping link': flap,
  'broken links': breakLinks,
  loss: lose,
  duplication: duplicate,
  reordering: reorder,
  'delay tails': stretch,
  'clogged link': clog,
  'slow peer': slowPeer,
} as const satisfies Record<string, Inflict>

function partition(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const mixed = random.shuffled(scene.cluster.machines)
  const side = mixed.slice(0, 1 + random.whole(mixed.length - 1))
  const peers = new Set(side.map(({ peer }) => peer))
  const names = side.map(({ name }) => name).sort()
  const text = `the network splits: ${names.join(' ')} | the others`
  return cut(scene, text, (from, to) => peers.has(from) !== peers.has(to))
}

/** Two sides that cannot talk to each other, and a middle that can talk to both. */
function partialPartition(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const [one, other, ...middle] = random.shuffled(scene.cluster.machines)
  const sides = new Map([
    [one!.peer, 1],
    [other!.peer, 2],
  ])
  for (const { peer } of middle) sides.set(peer, random.whole(3))
  const named = (side: number): string =>
    scene.cluster.machines
      .filter(({ peer }) => sides.get(peer) === side)
      .map(({ name }) => name)
      .join(' ')
  const text = `${named(1)} and ${named(2)} cannot talk to each other`
  return cut(scene, text, (from, to) => {
    const [a, b] = [sides.get(from) ?? 0, sides.get(to) ?? 0]
    return a !== b && a !== 0 && b !== 0
  })
}

function oneWay(scene: Scene, machine: Machine, random: SeededRandom): End {
  const other = random.pick(scene.cluster.machines.filter((each) => each !== machine))
  const text = `nothing gets from ${machine.name} to ${other.name}`
  return cut(scene, text, (from, to) => from === machine.peer && to === other.peer)
}

function isolate(scene: Scene, machine: Machine): End {
  return cut(scene, `${machine.name} is cut off`, isolates(machine.peer))
}

/** Cut off and back again, faster than anybody makes up his mind. */
function flap(scene: Scene, machine: Machine, random: SeededRandom, lastsMs: number): End {
  let heal: End | undefined
  let struck = false
  let over = false
  const turn = (): void => {
    if (heal !== undefined) struck = heal() || struck
    heal = heal === undefined && !over ? isolate(scene, machine) : undefined
  }
  for (let atMs = 0; atMs < lastsMs; atMs += random.between(200, 3000)) {
    scene.cluster.scheduler.after(atMs, () => {
      if (!over) turn()
    })
  }
  return () => {
    over = true
    if (heal !== undefined) turn()
    return struck
  }
}

function breakLinks(scene: Scene, machine: Machine): End {
  const { network, chronicle } = scene.cluster
  const settle = scene.calm.disturb([machine])
  const links = machine.process?.transport.links() ?? []
  chronicle.tell('', `every link of ${machine.name} breaks`)
  for (const { peer } of links) network.reset(machine.peer, peer)
  return () => {
    settle()
    return links.length > 0
  }
}

function lose(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const { network, chronicle, machines } = scene.cluster
  const settle = scene.calm.disturb(machines)
  const before = network.weather.hits.lost
  network.weather.loss = random.between(0.02, 0.3)
  chronicle.tell('', `the network loses ${percent(network.weather.loss)} of all messages`)
  return () => {
    network.weather.loss = 0
    settle()
    chronicle.tell('', 'the network loses nothing any more')
    return network.weather.hits.lost > before
  }
}

function duplicate(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const { network, chronicle } = scene.cluster
  const before = network.weather.hits.duplicated
  network.weather.duplication = random.between(0.05, 0.5)
  chronicle.tell('', `the network doubles ${percent(network.weather.duplication)} of all messages`)
  return () => {
    network.weather.duplication = 0
    chronicle.tell('', 'the network doubles nothing any more')
    return network.weather.hits.duplicated > before
  }
}

/** Messages let later ones pass, but not for longer than anybody waits. */
function reorder(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const { network, chronicle } = scene.cluster
  const { weather } = network
  const before = weather.hits.overtaken
  weather.reordering = random.between(0.1, 0.8)
  chronicle.tell('', `the network reorders ${percent(weather.reordering)} of all messages`)
  return () => {
    weather.reordering = 0
    chronicle.tell('', 'the network keeps its order again')
    return weather.hits.overtaken > before
  }
}

function stretch(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const { network, chronicle, machines } = scene.cluster
  const { weather } = network
  const settle = scene.calm.disturb(machines)
  const before = weather.hits.tailed
  weather.tail = random.between(0.02, 0.2)
  chronicle.tell('', `the network takes seconds for ${percent(weather.tail)} of all messages`)
  return () => {
    weather.tail = 0
    settle()
    chronicle.tell('', 'the network takes seconds no more')
    return weather.hits.tailed > before
  }
}

/** Full buffers: the links of a peer stand, nothing gets through, and then all of it at once, again and again. */
function clog(scene: Scene, machine: Machine, random: SeededRandom, lastsMs: number): End {
  const { network, chronicle, scheduler } = scene.cluster
  const settle = scene.calm.disturb([machine])
  const before = network.weather.hits.clogged
  const outward = random.chance(0.5)
  const clogs: Blocks = (from, to) => (outward ? from : to) === machine.peer
  chronicle.tell('', `what goes ${outward ? 'from' : 'to'} ${machine.name} is held up`)
  let burst: (() => void) | undefined
  let over = false
  const turn = (): void => {
    burst?.()
    burst = over ? undefined : network.clog(clogs)
  }
  for (let atMs = 0; atMs < lastsMs; atMs += random.between(300, 11_000)) {
    scheduler.after(atMs, () => {
      if (!over) turn()
    })
  }
  return () => {
    over = true
    turn()
    settle()
    chronicle.tell('', `what was held up for ${machine.name} comes in one burst`)
    return network.weather.hits.clogged > before
  }
}

function slowPeer(scene: Scene, machine: Machine, random: SeededRandom): End {
  const { network, chronicle } = scene.cluster
  const settle = scene.calm.disturb([machine])
  const before = network.weather.hits.slowed
  const moreMs = random.between(25, 800)
  const isolated = isolates(machine.peer)
  chronicle.tell(
    '',
    `every message to and from ${machine.name} takes ${Math.round(moreMs)} ms more`,
  )
  const mend = network.weather.slow((from, to) => (isolated(from, to) ? moreMs : 0))
  return () => {
    mend()
    settle()
    chronicle.tell('', `${machine.name} is as fast as before`)
    return network.weather.hits.slowed > before
  }
}

function cut({ cluster, calm }: Scene, text: string, blocks: Blocks): End {
  const { network, chronicle } = cluster
  const strikes = (): number => network.weather.hits.held + network.weather.hits.silent
  const settle = calm.block((a, b) => blocks(a, b) || blocks(b, a))
  const before = strikes()
  chronicle.tell('', text)
  const heal = network.cut(blocks)
  return () => {
    heal()
    settle()
    chronicle.tell('', `healed: ${text}`)
    return strikes() > before
  }
}

function isolates(peer: PeerId): Blocks {
  return (from, to) => from === peer || to === peer
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`
}
