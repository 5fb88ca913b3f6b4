/**
 * A ring whose members change, as its operator has it: peers join, weigh more, leave, are sent away, come back and are
 * replaced, each by one command, and every key stays where strict reads find it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyFolder, TestRing, until } from './dev-ring.ts'

const program = join(import.meta.dirname, '..', '..', 'node', 'main.ts')
const keys = Array.from({ length: 5 }, (_, at) => `item-${at}`)
const patienceMs = 120_000

const folder = emptyFolder()
const started: Peer[] = []
let ring: TestRing

/** A peer that is no part of the development ring's launcher. */
class Peer {
  readonly name: string
  readonly process: ChildProcess
  out = ''

  constructor(name: string, ...command: readonly string[]) {
    this.name = name
    const data = join(folder.path, name)
    const file = join(ring.folder, 'ring.json')
    const ports = ['--tcp', '0', '--ws', '0', '--control', '0']
    const words = [...command, '--ring', file, '--data', data, '--host', name, ...ports]
    this.process = spawn(process.execPath, [program, ...words])
    this.process.stdout!.on('data', (piece) => (this.out += String(piece)))
    this.process.stderr!.on('data', (piece) => (this.out += String(piece)))
    started.push(this)
  }

  get id(): string {
    return this.#said(/^(12D3KooW\w+) is a peer/m)
  }

  get control(): string {
    return this.#said(/control at {2}(http:\S+)/)
  }

  async says(text: string): Promise<void> {
    const saysSo = (): boolean => {
      if (this.out.includes(text)) return true
      if (this.process.exitCode === null) return false
      throw new Error(`it ended: ${this.out}`)
    }
    await until(`${this.name} to say: ${text}`, saysSo, patienceMs)
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, 'exit')
    this.process.kill(signal)
    await gone
  }

  #said(pattern: RegExp): string {
    const [, found] = pattern.exec(this.out) ?? []
    return found ?? expect.fail(`it does not say ${pattern}: ${this.out}`)
  }
}

async function joined(name: string, ...command: readonly string[]): Promise<Peer> {
  const peer = new Peer(name, ...command)
  await peer.says('It is a member, and holds all that it owns.')
  return peer
}

/** What every member's picture of the ring must come to. */
async function untilMembers(ids: readonly string[]): Promise<void> {
  const sorted = ids.toSorted()
  await until(
    `the members to be ${sorted.length}`,
    async () => {
      const { members, change } = await ring.ask('ring')
      const seated = members as { id: string; course: string; share: number }[]
      const isSettled = seated.every(({ course, share }) => course === 'up' && share > 0)
      const names = seated.map(({ id }) => id).toSorted()
      return change === null && isSettled && names.join() === sorted.join()
    },
    patienceMs,
  )
}

/** Every key is read strictly, through a development peer and through the others that run. */
async function readAll(): Promise<void> {
  for (const [at, key] of keys.entries()) {
    const { exit, out, error } = await ring.run('get', 'things', key, '--strict')
    expect({ exit, out: out.trim(), error }).toEqual({ exit: 0, out: String(at), error: '' })
  }
}

function devIds(...numbers: readonly number[]): string[] {
  return numbers.map((number) => ring.ports.peers[number - 1]!.id)
}

beforeAll(async () => {
  ring = await TestRing.start(folder.path)
  for (const [at, key] of keys.entries()) {
    await until(`${key} to be written strictly`, async () => {
      return (await ring.run('put', 'things', key, String(at), '--strict')).exit === 0
    })
  }
}, patienceMs)

afterAll(async () => {
  await Promise.all(started.map((peer) => peer.end()))
  await ring.stop()
  folder[Symbol.dispose]()
})

test('peers join, one weighs more, and one leaves', { timeout: patienceMs }, async () => {
  const attic = await joined('attic', 'join')
  await untilMembers([...devIds(1, 2, 3), attic.id])
  await readAll()

  const weighed = await ring.run('weight', '3', '--peer', attic.control)
  expect(weighed).toMatchObject({ exit: 0, error: '' })
  expect(weighed.out).toMatch(/ weighs 3 now\.$/m)
  const { members } = await ring.ask('ring')
  const shares = (members as { id: string; weight: number; share: number }[]).map((each) => {
    return { ...each, isAttic: each.id === attic.id }
  })
  const [own] = shares.filter(({ isAttic }) => isAttic)
  expect(own!.weight).toBe(3)
  // No owner can have more than each key once.
  expect(own!.share).toBeCloseTo(1 / 3, 1)

  // What it was given stays its own when it starts again with the options of before.
  await attic.end()
  const again = await joined('attic', 'join')
  expect(again.id).toBe(attic.id)
  expect(await ring.ask('ring')).toMatchObject({ change: null })
  await readAll()

  const left = await ring.run('leave', '--peer', again.control)
  expect(left).toMatchObject({ exit: 0, error: '' })
  expect(left.out).toMatch(/ has left: the others hold all that it owned/)
  await until('its process to end', () => again.process.exitCode !== null)
  expect(again.process.exitCode).toBe(0)
  await untilMembers(devIds(1, 2, 3))
  await readAll()

  // It has no seat any more, and says so, unless it comes anew.
  const stray = new Peer('attic', 'peer')
  await until('it to end', () => stray.process.exitCode !== null)
  expect(stray.process.exitCode).toBe(3)
  expect(stray.out).toMatch(/The ring has no seat for this peer\. \(not-a-member\)\n.*ringlet join/)
})

test(
  'one that is dead is sent away and replaced, and comes back',
  { timeout: patienceMs },
  async () => {
    const attic = await joined('attic', 'join')
    const cellar = await joined('cellar', 'join')
    await untilMembers([...devIds(1, 2, 3), attic.id, cellar.id])
    await cellar.end('SIGKILL')
    const barn = await joined('barn', 'replace', cellar.id.slice(-8))
    await barn.says('is no member any more, and its place is taken.')
    await untilMembers([...devIds(1, 2, 3), attic.id, barn.id])
    await readAll()

    await ring.kill(3)
    const gone = await ring.run('evict', 'peer-3')
    expect(gone).toMatchObject({ exit: 0, error: '' })
    expect(gone.out).toMatch(/^peer-3 is no member any more/)
    await untilMembers([...devIds(1, 2), attic.id, barn.id])
    await readAll()

    await ring.run('start', '3')
    await untilMembers([...devIds(1, 2, 3), attic.id, barn.id])
    await readAll()
    await barn.end()
    await attic.end()
  },
)

test(
  'what would leave too few is refused, and so is what names nobody',
  { timeout: patienceMs },
  async () => {
    // Two of five are stopped: many keys have one ready owner left.
    await until('both to be noticed', async () => {
      const { members } = await ring.ask('ring')
      return (members as { state: string }[]).filter(({ state }) => state !== 'up').length === 2
    })
    const refused = await ring.run('evict', 'peer-2')
    expect(refused.exit).toBe(3)
    expect(refused.error).toMatch(/fewer than 2 ready owners\. \(bad-argument\)\n.*--force/)
    const nobody = await ring.run('evict', 'peer-9')
    expect(nobody.exit).toBe(3)
    expect(nobody.error).toMatch(/There is no peer peer-9 in this ring/)
    const self = ['evict', ring.ports.peers[0]!.id, '--peer', ring.ports.peers[0]!.control]
    expect((await ring.run(...self)).error).toMatch(/does not send itself away.*\n.*ringlet leave/)
    for (const weight of ['0', '65', 'x']) {
      const { exit, error } = await ring.run('weight', weight, 'peer-1')
      expect({ exit, error }).toEqual({
        exit: 3,
        error: expect.stringMatching(/is no whole number/),
      })
    }
    expect((await ring.run('leave')).exit).toBe(2)
    expect((await ring.run('leave', 'peer-1', '--peer', 'http://127.0.0.1:1')).exit).toBe(2)
  },
)
