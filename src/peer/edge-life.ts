/**
 * An edge's life: the one driver of its loops, its sleep and waking, and what its links bring.
 *
 * A tab is hidden, frozen and cut off all day long, so its loops have three states, not two. Asleep, it has said goodbye
 * and starts nothing; awake again it takes nothing for granted that was so before.
 */
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { decodeNotice, encodeNotice, encodeReply, type Reply } from '../protocol/message.ts'
import { refusalOfError } from './ask.ts'
import type { Confirmations } from './confirmations.ts'
import type { Copies } from './copies.ts'
import type { EdgeMembers } from './edge-members.ts'
import type { Following } from './following.ts'
import type { Gossip } from './gossip.ts'
import type { Outbox } from './outbox.ts'
import { closedError } from './receipt.ts'
import type { World } from './world.ts'

export interface EdgeParts {
  readonly copies: Copies
  readonly gossip: Gossip
  readonly members: EdgeMembers
  readonly following: Following
  readonly outbox: Outbox
  readonly confirmations: Confirmations
}

const tickMs = 250

export class EdgeLife {
  readonly #world: World
  readonly #parts: EdgeParts
  #stopTicking = (): void => {}
  #state: 'awake' | 'asleep' | 'closed' = 'awake'

  constructor(world: World, parts: EdgeParts) {
    this.#world = world
    this.#parts = parts
  }

  /** What is closed starts nothing either. */
  get activity(): 'awake' | 'asleep' {
    return this.#state === 'awake' ? 'awake' : 'asleep'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  start(): void {
    this.#world.transport.serve({
      request: (_from, _body) => Promise.resolve(encodeReply(noMember())),
      notice: (from, body) => this.#hear(from, body),
      up: (peer) => this.#linkUp(peer),
      down: (peer) => this.#linkDown(peer),
    })
    this.#world.say({ type: 'started' })
    this.viewChanged()
    this.#parts.gossip.tick()
    this.#tick()
  }

  viewChanged(): void {
    if (this.#state === 'awake') this.#parts.members.ping()
  }

  sleep(): void {
    if (this.#state !== 'awake') return
    this.#state = 'asleep'
    this.#stopTicking()
    this.#parts.following.sleep()
    this.#parts.outbox.sleep()
    this.#parts.confirmations.sleep()
    this.#sayGoodbye()
    this.#parts.copies.touched()
  }

  wake(): void {
    if (this.#state === 'closed') return
    const { copies, members, following, outbox, confirmations } = this.#parts
    const { transport, links } = this.#world
    const linked = transport.links().map(({ peer }) => peer)
    if (this.#state === 'asleep') this.#tick()
    this.#state = 'awake'
    members.reach([...linked, ...links.dueProbes(0)])
    following.wake()
    for (const peer of linked) following.linkUp(peer)
    following.tick()
    outbox.wake()
    confirmations.wake()
    copies.touched()
  }

  /** Nobody who waits is left waiting. */
  close(): void {
    if (this.#state === 'awake') this.#sayGoodbye()
    this.#state = 'closed'
    this.#stopTicking()
    this.#parts.following.close()
    this.#parts.outbox.close()
    this.#parts.confirmations.close()
    this.#parts.members.close()
    this.#parts.copies.receipts.end(closedError())
  }

  #sayGoodbye(): void {
    const { transport } = this.#world
    const goodbye = encodeNotice({ type: 'goodbye' })
    for (const { peer } of transport.links()) transport.notify(peer, goodbye, 'foreground')
  }

  #hear(from: PeerId, body: Uint8Array): void {
    if (this.#state === 'closed') return
    const { say, tasks, links } = this.#world
    const { gossip, following } = this.#parts
    try {
      const notice = decodeNotice(body)
      if (notice.type === 'goodbye') links.failed(from, 'goodbye')
      if (notice.type === 'records') tasks.run('records', gossip.take(notice.records))
      if (notice.type === 'changed') {
        tasks.run('changed', following.pushed(notice.key, notice.state))
      }
    } catch (error) {
      say({ type: 'refused-input', from, detail: (error as Error).message })
    }
  }

  #linkUp(peer: PeerId): void {
    if (this.#state === 'closed') return
    this.#world.say({ type: 'link-up', to: peer })
    this.#world.links.answered(peer, 0)
    if (this.#state === 'awake') this.#reached(peer)
    this.#parts.copies.touched()
  }

  #reached(peer: PeerId): void {
    const { following, outbox } = this.#parts
    following.linkUp(peer)
    outbox.kick()
    // What was missed is asked for at the first link, not at the next tick; the other links follow within one.
    if (this.#world.transport.links().length === 1) following.tick()
  }

  #linkDown(peer: PeerId): void {
    this.#world.say({ type: 'link-down', to: peer })
    this.#world.links.failed(peer, 'link-lost')
    this.#parts.following.linkDown(peer)
    this.#parts.copies.touched()
  }

  #tick(): void {
    const { clock, links, limits } = this.#world
    const { gossip, members, following, outbox, confirmations } = this.#parts
    this.#stopTicking = clock.after(tickMs, () => {
      if (this.#state !== 'awake') return
      gossip.tick()
      members.ping(links.dueProbes(limits.probeMs))
      outbox.tick()
      confirmations.tick()
      following.tick()
      this.#tick()
    })
  }
}

function noMember(): Reply {
  return refusalOfError(
    new RingletError('not-admitted', 'this peer is an edge: it serves nobody', {
      remedy: 'Ask a member.',
    }),
  )
}
