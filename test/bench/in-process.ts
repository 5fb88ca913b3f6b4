/** A member in this process: its disk is the caller's, its network memory, its clock the host's. */
import type { MemoryNetwork } from '../../src/adapters/memory-transport.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import type { Member } from '../../src/peer/member.ts'
import { startMember } from '../../src/peer/start-member.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import type { RingIdentity } from '../../src/protocol/membership.ts'
import type { Storage, Trace, Transport } from '../../src/ports.ts'

export interface InProcess {
  readonly ring: RingIdentity
  readonly network: MemoryNetwork
  readonly storage: Storage
  /** Which member of the ring: its key and its host follow from it. */
  readonly index: number
  /** Whom it asks for the ring. */
  readonly others: readonly Member[]
  readonly limits: Limits
  readonly trace?: Trace
}

export async function startInProcess(options: InProcess): Promise<{
  readonly member: Member
  readonly transport: Transport
}> {
  const { ring, network, storage, index, others, limits, trace = () => {} } = options
  const identity = identityFromSeed(new Uint8Array(32).fill(index + 1))
  const transport = network.open(identity.peer)
  const member = await startMember({
    ring,
    identity,
    transport,
    storage,
    clock: systemClock,
    random: systemRandom,
    trace,
    bootstrap: others.flatMap(({ world }) => world.transport.addresses),
    class: 'durable',
    host: `host ${index}`,
    zone: '',
    weight: 1,
    limits,
  })
  return { member, transport }
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
}
