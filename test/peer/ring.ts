/**
 * A ring of members in this process: memory for disks, memory for a network, the host's own clock.
 */
import { afterEach } from 'vitest'
import { type MemoryNetwork, memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { type Edge, startEdge } from '../../src/peer/edge.ts'
import { openRingSide, type OpenRingSide } from '../../src/peer/ring-side.ts'
import type { Member } from '../../src/peer/member.ts'
import { startMember } from '../../src/peer/start-member.ts'
import type { PeerEvent } from '../../src/protocol/event.ts'
import { type Limits, limits } from '../../src/protocol/limits.ts'
import type { RingIdentity } from '../../src/protocol/membership.ts'
import type { Storage, Transport } from '../../src/ports.ts'

export const ring: RingIdentity = {
  name: 'test',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  n: 3,
  q: 16,
  durableOwners: 3,
}

/** Short waits: nothing here is slow but what a test makes slow. */
export const quick: Limits = {
  ...limits,
  ownerMs: 200,
  requestMs: 1000,
  probeMs: 100,
  gossipMs: 100,
  antiEntropyMs: 300,
}

export interface TestMember {
  readonly member: Member
  readonly storage: Storage
  readonly transport: Transport
  readonly content: MemoryContent
}

interface TestEdgeOptions {
  readonly limits?: Limits
  readonly gate?: boolean
  readonly ringSide?: OpenRingSide
}

export class TestRing {
  readonly events: PeerEvent[] = []
  readonly members: TestMember[] = []
  readonly #limits: Limits
  readonly #network: MemoryNetwork
  readonly #open: { close(): Promise<void> }[] = []

  constructor(limits: Limits = quick) {
    this.#limits = limits
    this.#network = memoryNetwork(limits)
  }

  async start(count: number): Promise<this> {
    for (let i = 0; i < count; i++) this.members.push(await this.startMember(i))
    await until('all members know all', () =>
      this.members.every(({ member }) => member.view.members.length === count),
    )
    return this
  }

  /** `medium`: what the host says of the medium that the content stands on; `gate`: whether it is online; `joins`: to a ring. */
  async startMember(
    index: number,
    content = new MemoryContent(),
    { medium = '', gate = true, joins = false, weight = 1 } = {},
  ): Promise<TestMember> {
    const identity = identityFromSeed(new Uint8Array(32).fill(index + 1))
    const transport = this.#network.open(identity.peer)
    transport.setGate(gate)
    const storage = openMemory(content, medium === '' ? {} : { medium })
    const member = await startMember({
      ring,
      identity,
      transport,
      storage,
      clock: systemClock,
      random: systemRandom,
      trace: (event) => this.events.push(event),
      bootstrap: this.#bootstrap(),
      class: 'durable',
      host: `host-${index}`,
      zone: '',
      weight,
      joins,
      limits: this.#limits,
    })
    this.#open.push(member, transport, storage)
    return { member, transport, storage, content }
  }

  async startEdge(
    index: number,
    content = new MemoryContent(),
    { limits = quick, gate = true, ringSide = openRingSide }: TestEdgeOptions = {},
  ): Promise<Edge & { gate(open: boolean): void }> {
    const identity = identityFromSeed(new Uint8Array(32).fill(100 + index))
    const transport = this.#network.open(identity.peer)
    transport.setGate(gate)
    const storage = openMemory(content)
    const edge = await startEdge({
      ringSide,
      ring,
      identity,
      transport,
      storage,
      clock: systemClock,
      random: systemRandom,
      trace: (event) => this.events.push(event),
      bootstrap: this.#bootstrap(),
      r: 2,
      w: 2,
      limits,
    })
    this.#open.push(edge, transport, storage)
    return Object.assign(edge, { gate: (open: boolean) => transport.setGate(open) })
  }

  /** Ends a member as a process ends; its content stays. */
  async stop({ member, transport, storage }: TestMember): Promise<void> {
    await member.close()
    await transport.close()
    await storage.close()
  }

  async close(): Promise<void> {
    for (const each of this.#open.splice(0)) await each.close()
  }

  #bootstrap(): string[] {
    return this.members.flatMap(({ transport }) => transport.addresses)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

export function within<T>(ms: number, promise: Promise<T>): Promise<T | 'too late'> {
  return Promise.race([promise, pause(ms).then(() => 'too late' as const)])
}

/** What a member says of its own store. */
export function readinessOf({ member }: TestMember): string | undefined {
  return member.view.byPeer.get(member.id)?.record.readiness
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await pause(10)
  }
}

/** A ring that is closed after the test. */
export function testRing(limits?: Limits): TestRing {
  const made = new TestRing(limits)
  open.push(made)
  return made
}

const open: TestRing[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})
