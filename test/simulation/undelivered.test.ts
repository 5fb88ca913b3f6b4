/** What a tab's disk says of writes whose outcome nobody heard any more. */
import { describe, expect, test } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { encode } from '../../src/protocol/codec.ts'
import { edgeCopy, noCopy } from '../../src/protocol/copy.ts'
import { idOfDot } from '../../src/protocol/receipt-id.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { Cluster } from '../../src/simulation/cluster.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { openStorage } from '../../src/simulation/storage.ts'
import { Life } from '../../src/simulation/life.ts'
import { drawSwarm } from '../../src/simulation/swarm.ts'
import { hearRefusals } from '../../src/simulation/undelivered.ts'

const key = makeKey('carts', 'alice')
const actor = `${'A'.repeat(16)}.1`

function cluster(): Cluster {
  const swarm = drawSwarm(seededRandom('undelivered'))
  return new Cluster(1, { ...swarm, edges: 2, broken: {} })
}

/** A write at this tab that its device took, under the first name of this counter. */
function taken({ history }: Cluster, via: string, counter: number) {
  const operation = history.begin({
    client: 'one',
    via,
    life: 1,
    kind: 'put',
    key: 'carts/alice',
    basis: [],
    ack: 'device',
    strict: false,
    buffered: false,
    startMs: 0,
    again: undefined,
  })
  operation.outcome = 'done'
  operation.receipt = idOfDot({ actor, counter })
  return operation
}

async function refusedOnDisk({ edges, scheduler }: Cluster, counters: number[]): Promise<void> {
  const ids = counters.map((counter) => idOfDot({ actor, counter }))
  const refusal = { ids, code: 'too-many-siblings', message: '', remedy: undefined }
  const value = encode(edgeCopy, { ...noCopy, past: { epochs: [], refusals: [refusal] } })
  const storage = openStorage(edges[0]!.disk, new Life(scheduler))
  const written = storage.update([], () => ({
    writes: [{ key: storageKeys.edge(key), value }],
    result: undefined,
  }))
  await scheduler.run(1000)
  await written
}

describe('a refusal that a killed tab had noted', () => {
  test('is heard from its disk, for the writes that it names at that tab', async () => {
    const ring = cluster()
    const [refused, other, elsewhere] = [
      taken(ring, 'tab1', 1),
      taken(ring, 'tab1', 2),
      taken(ring, 'tab2', 1),
    ]
    await refusedOnDisk(ring, [1])
    hearRefusals(ring)
    expect(refused).toMatchObject({ outcome: 'refused', failure: 'too-many-siblings' })
    expect([other.outcome, elsewhere.outcome]).toEqual(['done', 'done'])
  })

  test('takes back nothing that a quorum has', async () => {
    const ring = cluster()
    const acknowledged = taken(ring, 'tab1', 1)
    acknowledged.quorumMs = 10
    await refusedOnDisk(ring, [1])
    hearRefusals(ring)
    expect(acknowledged.outcome).toBe('done')
  })
})
