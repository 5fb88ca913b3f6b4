/** Machines of a simulated ring: which of them are started again. */
import { expect, test } from 'vitest'
import { Cluster } from '../../src/simulation/cluster.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { drawSwarm } from '../../src/simulation/swarm.ts'

test('a copy of a disk that was thrown away is not started again, and its original is', () => {
  const swarm = drawSwarm(seededRandom('copies'))
  const ring = new Cluster(1, { ...swarm, broken: {} })
  const original = ring.members[0]!
  const copy = ring.clone(original)
  ring.restart(copy)
  expect(copy.process).toBeDefined()
  ring.crash(copy, true)
  ring.clones.delete(copy)
  ring.restart(copy)
  expect(copy.process).toBeUndefined()
  ring.restart(original)
  expect(original.process).toBeDefined()
})
