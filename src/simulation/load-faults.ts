/**
 * What goes wrong with too much to do: a crowd that asks for more than is let in, and a member that answers late.
 *
 * These are drawn only in rings whose members let in few at a time, or the crowd would have to be as large as a real one.
 */
import { makeKey } from '../data/key.ts'
import { encodeRequest } from '../protocol/message.ts'
import { Life } from './life.ts'
import type { Machine } from './machine.ts'
import { type SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'
import { SimulatedTransport } from './transport.ts'

export const loadFaults = {
  'burst of load': burst,
  'late answers': answerLate,
} as const satisfies Record<string, Inflict>

/** Nobody holds it, and nobody writes it: the crowd is there to take the places of others. */
const wanted = makeKey('carts', 'crowd')
/** A crowd comes and goes: its requests are many, and cost as much as a minute of anything else. */
const longestMs = 5000

/** Strangers ask one member, or all, for more than they let in, and ask again whatever they hear. */
function burst(scene: Scene, machine: Machine, random: SeededRandom, lastsMs: number): End {
  const { cluster } = scene
  const { network, scheduler, chronicle, members, settings, doors } = cluster
  const one = machine.kind === 'member' ? machine : random.pick(members)
  const asked = random.chance(0.3) ? members : [one]
  const names = asked.map(({ name }) => name).join(' ')
  const before = doors.turned.length
  const life = new Life(scheduler)
  const name = `crowd ${random.whole(2 ** 31)}`
  const crowd = new SimulatedTransport(network, name, life, false, settings.limits.messageBytes)
  crowd.serve({
    request: (_from, body) => Promise.resolve(body),
    notice: () => {},
    up: () => {},
    down: () => {},
  })
  const people = Math.ceil(settings.limits.requestsUnderWay * random.between(1.5, 4))
  chronicle.tell('', `${people} strangers crowd at each of ${names}`)
  const body = encodeRequest({ type: 'get', key: wanted, r: settings.r })
  const endMs = scheduler.nowMs + Math.min(lastsMs, longestMs)
  for (const { peer, process } of asked) {
    for (const address of process?.transport.addresses ?? []) crowd.learn(peer, [address])
    for (let i = 0; i < people; i++) askOn(random.fork(`${peer} ${i}`), peer)
  }
  return () => {
    life.end()
    network.vanish(crowd, false)
    chronicle.tell('', `the crowd at ${names} goes`)
    return doors.turned.slice(before).some(({ from }) => from !== name)
  }

  function askOn(each: SeededRandom, peer: string): void {
    const again = (pauseMs: number): void => {
      if (scheduler.nowMs < endMs) life.after(pauseMs, () => askOn(each, peer))
    }
    crowd.request(peer, body, { lane: 'foreground', deadlineMs: settings.limits.requestMs }).then(
      () => again(each.between(0, 5)),
      () => again(each.between(5, 60)),
    )
  }
}

/** All that a member says takes a hundred times as long; what it hears comes as ever. */
function answerLate(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { network, chronicle, doors, members } = scene.cluster
  const late = machine.kind === 'member' ? machine : random.pick(members)
  const settle = scene.calm.disturb([late])
  const hedged = (): number => doors.slow.get(late.peer) ?? 0
  const before = hedged()
  chronicle.tell('', `${late.name} answers a hundred times later`)
  const mend = network.weather.slow((from, to) =>
    from === late.peer ? Math.min(mostLateMs, 99 * network.weather.baseDelayMs(from, to)) : 0,
  )
  return () => {
    mend()
    settle()
    chronicle.tell('', `${late.name} answers as soon as before`)
    // Nobody was kept waiting who was not asked.
    return hedged() > before
  }
}

/** Later than that, and it would be no answer but a silence. */
const mostLateMs = 900
