/**
 * A durable peer: a member of the ring on this machine's disk and network, put together and taken apart in order.
 *
 * The disk comes first, because it also says whether another process is this peer already; the key next, because it says
 * who this is; then the sockets. The control port opens last: whoever can ask there gets answers. It all ends in the
 * opposite order, so that what was accepted is finished and the goodbye is still heard.
 */
import { resolve } from 'node:path'
import { systemClock, systemRandom } from '../src/adapters/system.ts'
import { identityFromSeed } from '../src/data/identity.ts'
import { RingletError, StorageError } from '../src/protocol/errors.ts'
import { ringHash } from '../src/protocol/view.ts'
import { storageKeys } from '../src/protocol/record.ts'
import type { RingFile } from '../src/protocol/ring-file.ts'
import type { Member } from '../src/peer/member.ts'
import { startMember } from '../src/peer/start-member.ts'
import type { Storage, Trace } from '../src/ports.ts'
import { serveControl } from './control.ts'
import { openDisk } from './disk.ts'
import { type HintSpace, limitsWith } from './hint-space.ts'
import { identitySeed } from './identity-file.ts'
import { openNodeTransport } from './libp2p.ts'
import { machineHost } from './machine-host.ts'
import './native-hash.ts'
import { Silences } from './silences.ts'

export interface NodePeerOptions {
  readonly ring: RingFile
  /** The data folder; made if it is not there. */
  readonly data: string
  /** Multiaddrs to listen at. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead. */
  readonly announce?: readonly string[]
  /** Where the disk is; by default this machine. */
  readonly host?: string
  /** Owners are spread over zones. By default that of the seat it has, else `default`. */
  readonly zone?: string
  /** Its share of the ring against the others', 1 to 64. By default that of the seat it has, else 1. */
  readonly weight?: number
  /**
   * Comes into a ring that is there already: it asks for a seat, and owns nothing before it holds what it is to own. Without it
   * a new peer is one of those that found the ring. One that has its seat keeps it either way.
   */
  readonly joins?: boolean
  /** Room for what it keeps for owners that are away: in bytes, or as a share of its disk ('25%'). */
  readonly hintSpace?: HintSpace
  /** The control port on loopback; 0 takes any, undefined opens none. */
  readonly control?: number
  readonly trace?: Trace
  /** Told in a sentence what went wrong on a link and was dealt with. */
  readonly onProblem?: (problem: string) => void
}

export interface NodePeer {
  readonly member: Member
  readonly addresses: readonly string[]
  /** `http://127.0.0.1:7411` */
  readonly control: string | undefined
  /**
   * Resolves with why, if the peer can only be closed: its disk is lost under it, another peer runs with its identity, or the
   * ring has no seat for it and it asks for none.
   */
  readonly lost: Promise<RingletError>
  /** Resolves once it has left the ring by its own wish: nobody needs it or its folder any more. */
  readonly left: Promise<void>
  close(): Promise<void>
}

/** How often the store is asked whether it still stands. */
const lookMs = 1000

/** Resolves once the peer serves. Rejects with `RingletError`. */
export async function startNodePeer(options: NodePeerOptions): Promise<NodePeer> {
  const { ring, listen, announce } = options
  const folder = resolve(options.data)
  const limits = limitsWith(options.hintSpace)
  const silences = new Silences(() => systemClock.now())
  await using opening = new AsyncDisposableStack()

  const storage = await openDisk(folder)
  opening.defer(() => storage.close())
  const seed = identitySeed(folder)
  const transport = await openNodeTransport({
    seed,
    ringHash: ringHash(ring.identity),
    listen,
    ...(announce === undefined ? {} : { announce }),
    ...(options.onProblem === undefined ? {} : { onProblem: options.onProblem }),
  })
  opening.defer(() => transport.close())
  const member = await startMember({
    ring: ring.identity,
    identity: identityFromSeed(seed),
    transport,
    storage,
    clock: systemClock,
    random: systemRandom,
    trace: (event) => {
      silences.note(event)
      options.trace?.(event)
    },
    bootstrap: ring.bootstrap.filter((address) => !address.endsWith(`/p2p/${transport.self}`)),
    class: 'durable',
    host: options.host ?? machineHost(),
    zone: options.zone,
    weight: options.weight,
    joins: options.joins ?? false,
    limits,
  })
  opening.defer(() => member.close())
  const watch = watchStore(storage)
  opening.defer(watch.stop)
  const seat = watchSeat(member, options.joins ?? false)
  opening.defer(seat.stop)
  let control: string | undefined
  if (options.control !== undefined) {
    const listening = await serveControl(member, options.control, silences)
    opening.defer(() => listening.close())
    control = `http://127.0.0.1:${listening.port}`
  }

  const held = opening.move()
  const close = (): Promise<void> => held.disposeAsync()
  const lost = Promise.race([watch.lost, member.displaced, seat.lost])
  return { member, addresses: transport.addresses, control, lost, left: seat.left, close }
}

/** A store that lost its disk refuses everything from then on; somebody has to notice when nobody asks. */
function watchStore(storage: Storage): { readonly lost: Promise<StorageError>; stop(): void } {
  const { promise: lost, resolve: tell } = Promise.withResolvers<StorageError>()
  const look = (): void => {
    storage.get(storageKeys.identity).catch((error: unknown) => {
      if (error instanceof StorageError && error.code !== 'closed') tell(error)
    })
  }
  const timer = setInterval(look, lookMs)
  return { lost, stop: () => clearInterval(timer) }
}

/** Who has no seat in a ring whose members are settled, and asks for none, would only look like a member. */
function watchSeat(
  member: Member,
  joins: boolean,
): { readonly lost: Promise<RingletError>; readonly left: Promise<void>; stop(): void } {
  const { promise: lost, resolve: tell } = Promise.withResolvers<RingletError>()
  const { promise: left, resolve: go } = Promise.withResolvers<void>()
  let wasIn = false
  const look = (): void => {
    const { standing } = member.changing
    if (standing === 'left' && wasIn) go()
    else if (standing === 'evicted' || standing === 'left') tell(noSeat())
    else if (standing === 'stranger') {
      if (!joins) tell(noSeat())
    } else wasIn = true
  }
  const timer = setInterval(look, lookMs)
  return { lost, left, stop: () => clearInterval(timer) }
}

function noSeat(): RingletError {
  return new RingletError('not-a-member', 'The ring has no seat for this peer.', {
    remedy: 'Start it with `ringlet join`, and it comes into the ring while that serves.',
  })
}
