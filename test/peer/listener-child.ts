/** A process whose listener throws: what it throws is the process' to deal with, and nothing else is touched. */
import { setTimeout } from 'node:timers/promises'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { openMemory } from '../../src/adapters/memory.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { peerOfMember } from '../../src/peer/application.ts'
import { startMember } from '../../src/peer/start-member.ts'
import { limits } from '../../src/protocol/limits.ts'

const thrown: string[] = []
process.on('uncaughtException', (error) => void thrown.push(error.message))

let failedTasks = 0
const identity = identityFromSeed(new Uint8Array(32).fill(1))
const member = await startMember({
  ring: { name: 'one', id: 'AAAAAAAAAAAAAAAAAAAAAA', n: 1, q: 1, durableOwners: 1 },
  identity,
  transport: memoryNetwork(limits).open(identity.peer),
  storage: openMemory(),
  clock: systemClock,
  random: systemRandom,
  trace: ({ type }) => void (failedTasks += type === 'task-failed' ? 1 : 0),
  bootstrap: [],
  class: 'durable',
  host: 'here',
  zone: '',
  weight: 1,
})
const peer = peerOfMember(member, { r: 1, w: 1, warnings: [], close: async () => {} })

let others = 0
peer.addEventListener(
  'status',
  () => {
    throw new Error('mine')
  },
  { once: true },
)
peer.addEventListener('status', () => void others++)
for (const open of [false, true]) {
  const told = others + 1
  peer.setGate(open)
  while (others < told) await setTimeout(1)
}
await peer.bucket('notes').put('k', 1)
const { value } = await peer.bucket('notes').get('k')
await peer.close()
console.log(JSON.stringify({ thrown, others, failedTasks, value }))
