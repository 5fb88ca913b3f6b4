/**
 * Looking at a ring as its operator does: `ringlet ring`, `ringlet ring check` and `ringlet plan` against real peers.
 */
import { exec } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emptyFolder, type Ran, ringlet, TestRing, until } from './dev-ring.ts'

/** Runs a command until it says so: a busy machine may be late, or suspect somebody for a moment. */
async function untilSays(ring: TestRing, says: RegExp, ...args: readonly string[]): Promise<Ran> {
  let ran: Ran | undefined
  const saysSo = async (): Promise<boolean> => {
    ran = await ring.run(...args)
    return says.test(ran.out)
  }
  await until(`ringlet ${args.join(' ')} to say ${says}`, saysSo, 50_000)
  return ran!
}

/** Resolves once the check has nothing to say: new stores have compared, killed peers are back. */
function untilWell(ring: TestRing): Promise<Ran> {
  return untilSays(ring, /All is well/, 'ring', 'check')
}

describe('a ring of three', () => {
  const folder = emptyFolder()
  let ring: TestRing

  beforeAll(async () => {
    ring = await TestRing.start(folder.path)
    await untilWell(ring)
  }, 120_000)

  afterAll(async () => {
    await ring.stop()
    folder[Symbol.dispose]()
  })

  test('shows each member in full', async () => {
    const { exit, out } = await untilSays(ring, /(peer-\d +up +yes .*\s+){3}/, 'ring')
    expect(exit).toBe(0)
    expect(out).toMatch(/^Ring dev: 3 members, N=3, Q=4096, as peer-1 sees it\n/)
    for (const i of [1, 2, 3]) {
      const owed = i === 1 ? '' : ' +0'
      const row = `^peer-${i} +up +yes +durable +dev-${i} +default +1 +33\\.3 % +4096${owed} +12D3KooW\\w+$`
      expect(out).toMatch(new RegExp(row, 'm'))
    }
    const { members, seenBy } = await ring.ask('ring', '--peer', ring.ports.peers[1]!.control)
    expect(seenBy).toBe(ring.ports.peers[1]!.id)
    expect(members).toHaveLength(3)
    for (const member of members) {
      const { state, readiness, owed, silentSince, partitions } = member
      expect({ state, readiness, owed, silentSince, partitions }).toEqual({
        state: 'up',
        readiness: 'ready',
        owed: 0,
        silentSince: null,
        partitions: 4096,
      })
    }
  })

  test('shows the owners of each partition once, in runs', async () => {
    const { runs } = await ring.ask('ring', '--partitions')
    let next = 0
    for (const { from, to, owners } of runs) {
      expect(from).toBe(next)
      expect(to).toBeGreaterThanOrEqual(from)
      expect(new Set(owners).size).toBe(3)
      next = to + 1
    }
    expect(next).toBe(4096)
    const { exit, out } = await ring.run('ring', '--partitions')
    expect(exit).toBe(0)
    expect(out).toMatch(/^0(-\d+)? +peer-\d peer-\d peer-\d$/m)
    expect(out.trimEnd().split('\n')).toHaveLength(runs.length + 3)
  })

  test('ends quietly where whoever reads has seen enough', async () => {
    const program = join(import.meta.dirname, '..', '..', 'node', 'main.ts')
    const line = `"${process.execPath}" "${program}" ring --partitions | head -n 1`
    const { stdout, stderr } = await promisify(exec)(line, { cwd: ring.cwd })
    expect({ lines: stdout.split('\n').length, stderr }).toEqual({ lines: 2, stderr: '' })
  })

  test('shows where a key is, and finds it where the ring says', async () => {
    await ring.run('put', 'carts', 'ann', '{"mug":1}')
    const all = /^3 of its 3 owners hold all/m
    const { exit, out } = await untilSays(ring, all, 'ring', '--key', 'carts', 'ann')
    expect(exit).toBe(0)
    expect(out).toMatch(/^carts\/ann is in partition \d+ of 4096\. Its preference list:\n/)
    expect(out.match(/^peer-\d +owner +all +1$/gm)).toHaveLength(3)

    const { partition, preference, key } = await ring.ask('ring', '--key', 'carts', 'ann')
    expect(key).toEqual(['ann'])
    const { runs } = await ring.ask('ring', '--partitions')
    const run = runs.find(({ from, to }: any) => from <= partition && partition <= to)
    expect(preference.map(({ member }: any) => member)).toEqual(run.owners)
  })

  test('shows a path beside its partition key, and a deleted key as deleted', async () => {
    const one = await ring.ask('ring', '--key', 'carts', 'ann', 'a/b c')
    expect(one.key).toEqual(['ann', 'a/b c'])
    expect(one.partition).toBe((await ring.ask('ring', '--key', 'carts', 'ann')).partition)
    await ring.run('put', 'carts', 'gone', '1')
    await ring.run('delete', 'carts', 'gone')
    const { exit } = await untilSays(ring, /it was deleted/, 'ring', '--key', 'carts', 'gone')
    expect(exit).toBe(0)
  })

  test('a key, or a bucket, that nobody knows is not found, and its owners are told all the same', async () => {
    const { exit, out, error } = await ring.run('ring', '--key', 'catrs', 'ann')
    expect({ exit, error }).toEqual({ exit: 1, error: '' })
    expect(out.match(/^peer-\d +owner +nothing$/gm)).toHaveLength(3)
    expect(out).toMatch(/Are its bucket and its key spelled so\?/)
  })

  test('is well, and says what was looked at', async () => {
    const { exit, out } = await untilWell(ring)
    expect(exit).toBe(0)
    expect(out).toMatch(/All is well: all 3 members answer and are ready/)
    expect(out).toMatch(/^Looked at the disks of peer-1, peer-2, peer-3\.$/m)
    const one = await ring.ask('ring', 'check', '--peer', ring.ports.peers[2]!.control)
    expect(one).toMatchObject({ well: true, findings: [], seenBy: ring.ports.peers[2]!.id })
    expect(one.disks.asked).toEqual([ring.ports.peers[2]!.id])
    expect(one.disks.unasked).toHaveLength(2)
  })

  test('plans what a fourth peer would take, and changes nothing', async () => {
    const before = await ring.ask('ring', '--partitions')
    const { exit, out } = await ring.run('plan', '--with', 'host=attic,zone=north,weight=2')
    expect(exit).toBe(0)
    expect(out).toMatch(/^Nothing is changed: /)
    expect(out).toMatch(/^new-1 +comes +attic +north +2 +0 +\d+ +\d+ +0$/m)
    const [, moved, replicas, least] =
      /^(\d+) of (\d+) replicas would move .* the least that must is (\d+)\.$/m.exec(out)!
    expect(replicas).toBe('12288')
    expect(Number(moved)).toBeGreaterThanOrEqual(Number(least))
    expect(out).toMatch(/^No partition would have owners that share a host\.$/m)
    const plan = await ring.ask('plan', '--with', 'host=attic,zone=north,weight=2')
    expect(plan).toMatchObject({ changesNothing: true, moved: Number(moved), replicas: 12288 })
    expect(await ring.ask('ring', '--partitions')).toEqual(before)
  })

  test('plans without a peer by its name, its id, or the end of that', async () => {
    const { id } = ring.ports.peers[2]!
    for (const name of ['peer-3', id, id.slice(-8), `…${id.slice(-8)}`]) {
      const { members, after, moved } = await ring.ask('plan', '--without', name)
      expect(members.find(({ change }: any) => change === 'goes').id).toBe(id)
      expect({ moved, short: after.short }).toEqual({ moved: 0, short: 4096 })
    }
    const { out } = await ring.run('plan', '--without', 'peer-1', '--with', 'host=dev-2')
    expect(out).toMatch(
      /^4096 of 4096 partitions would have owners that share a host; now 0 have\.$/m,
    )
    expect(out).toMatch(/^A member that only stops stays an owner/m)
  })

  test.each<[args: string[], exit: number, says: RegExp]>([
    [['ring', 'chekc'], 2, /chekc is too much.*\n.*ringlet ring check/],
    [['ring', 'check', 'now'], 2, /now is too much/],
    [['ring', '--key'], 2, /BUCKET is missing/],
    [['ring', '--key', 'carts'], 2, /KEY is missing/],
    [['ring', '--key', '--partitions', 'a', 'b'], 2, /not both/],
    [['ring', '--partition'], 2, /Did you mean --partitions\?/],
    [['ring', '--key', 'b'.repeat(65), 'k'], 3, /bucket-name-too-large/],
    [['plan'], 2, /--without PEER, or --with host=HOST/],
    [['plan', 'peer-1'], 2, /peer-1 is too much/],
    [['plan', '--without', 'peer-9'], 3, /no peer peer-9.*\n.*peer-1, peer-2, peer-3/],
    [['plan', '--without', '12D3'], 3, /no peer 12D3/],
    [['plan', '--with', 'hots=attic'], 2, /Did you mean host=\?/],
    [['plan', '--with', 'zone=north'], 2, /names no host/],
    [['plan', '--with', 'host=a,host=b'], 2, /host twice/],
    [['plan', '--with', 'host=a,weight=65'], 2, /from 1 to 64/],
    [['plan', ...[1, 2, 3].flatMap((i) => ['--without', `peer-${i}`])], 3, /nobody would be left/],
  ])('errors name what is meant: %j', async (args, exit, says) => {
    const ran = await ring.run(...args)
    expect({ exit: ran.exit, out: ran.out }).toEqual({ exit, out: '' })
    expect(ran.error).toMatch(says)
    const { error } = await ring.ask(...args)
    expect(error).toMatchObject({ outcome: 'refused' })
  })

  test('no ring is 5', async () => {
    using elsewhere = emptyFolder()
    for (const args of [['ring'], ['ring', 'check'], ['plan', '--without', 'peer-1']]) {
      expect((await ringlet(elsewhere.path, args)).exit).toBe(5)
    }
  })

  test(
    'a peer that was killed is found, with what to do; once it is back all is well',
    { timeout: 180_000 },
    async () => {
      await ring.kill(3)
      const noticed = /address of peer-3 since/
      const { exit, out, error } = await untilSays(ring, noticed, 'ring', 'check')
      expect({ exit, error }).toEqual({ exit: 6, error: '' })
      expect(out).toMatch(/: 1 thing is wrong\.$/m)
      expect(out).toMatch(
        /^Nobody is there at the address of peer-3 since \S+Z; it owns 4096 of 4096/m,
      )
      expect(out).toMatch(/^ {2}Start it again: ringlet start 3\./m)
      expect(out).toMatch(/^Looked at the disks of peer-1, peer-2; not at peer-3/m)
      const { well, findings } = await ring.ask('ring', 'check')
      expect(well).toBe(false)
      expect(findings).toMatchObject([{ kind: 'silent', peers: [ring.ports.peers[2]!.id] }])
      await untilSays(ring, /^peer-3 +down .* 2\d\d\d-\S+Z +12D3KooW/m, 'ring')
      await ring.run('start', '3')
      await untilWell(ring)
    },
  )
})

describe('a ring of four, with an owner down', () => {
  test('shows what is owed to it, and who stands in', { timeout: 180_000 }, async () => {
    using folder = emptyFolder()
    await using ring = await TestRing.start(folder.path, ['--port', '0', '--peers', '4'])
    await untilWell(ring)
    const { preference } = await ring.ask('ring', '--key', 'carts', 'ann')
    const idOf = (at: number): string => preference[at].member
    expect(preference.map(({ role }: any) => role)).toEqual(['owner', 'owner', 'owner', 'fallback'])
    const numberOf = (id: string): number =>
      1 + ring.ports.peers.findIndex((peer) => peer.id === id)
    await ring.kill(numberOf(idOf(0)))
    const standIn = ring.ports.peers[numberOf(idOf(3)) - 1]!
    await until('a write to meet the stand-in', async () => {
      await ring.run('put', 'carts', 'ann', '1')
      const { members } = await ring.ask('ring', '--peer', standIn.control)
      return members.find(({ id }: any) => id === idOf(0)).owed > 0
    })
    const standsIn = /^peer-\d +fallback +all +1$/m
    const { exit, out } = await untilSays(ring, standsIn, 'ring', '--key', 'carts', 'ann')
    expect(exit).toBe(0)
    expect(out).toMatch(/^peer-\d +owner +no answer$/m)
    expect(out).toMatch(/Fallbacks hold it too, until all owners have it: 1\.$/m)
  })
})
