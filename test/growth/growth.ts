/**
 * A ring that grows from three peers to six and shrinks to three again, on hosts of their own, under a load that never
 * pauses: three machines join at once, and then leave one after the other, by the commands that an operator has.
 *
 * Before and after, and all the time in between, strict reads must return what was acknowledged last.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { RingStatus } from '../../node/control-status.ts'
import { showTable } from '../../node/cli/table.ts'
import { Talk } from '../chaos/talk.ts'
import { command, control, type LaidRing, layRing, runPeer } from '../hosts/laid-ring.ts'
import { Network } from '../hosts/network.ts'
import type { Coordinator, LoadAnswer, LoadAsked, Phase } from './load.ts'

const founders = ['peer-1', 'peer-2', 'peer-3']
const joiners = ['peer-4', 'peer-5', 'peer-6']
const client = 'client'
const lookMs = 500

export interface Growth {
  readonly keys: number
  readonly phases: readonly Phase[]
  /** What was not as it was acknowledged; empty where all is well. */
  readonly wrong: readonly string[]
  /** The 99th percentile while members came or went, against the median of those while nothing moved. */
  readonly growingRatio: number
  readonly shrinkingRatio: number
}

export interface GrowthOptions {
  readonly keys: number
  /** So many requests are under way at all times. */
  readonly inFlight: number
  /** How long each phase without a change lasts. */
  readonly seconds: number
  readonly say: (line: string) => void
}

class Ground {
  readonly #folder = mkdtempSync(join(tmpdir(), `ringlet-growth-${process.pid}-`))
  readonly #network = Network.lay([...founders, ...joiners, client])
  readonly #ring: LaidRing = layRing(this.#network, this.#folder, founders)
  readonly #peers = new Map<string, ChildProcess>()
  #source: ChildProcess | undefined

  /** Resolves once it serves. */
  async start(peer: string, how: 'peer' | 'join'): Promise<void> {
    const log = openSync(join(this.#folder, `${peer}.log`), 'a')
    const child = runPeer(this.#ring, peer, { stdio: ['ignore', log, log, 'ipc'] }, [], how)
    this.#peers.set(peer, child)
    const [news] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => [{ type: 'failed', why: `exit code ${code}` }]),
    ])) as [{ type: string; why?: string }]
    if (news.type !== 'ready') throw new Error(`${peer} does not start: ${news.why}`)
  }

  async load({ keys, inFlight }: GrowthOptions): Promise<Talk<LoadAsked, LoadAnswer>> {
    const args = [
      join(import.meta.dirname, 'load.ts'),
      this.#ring.path,
      String(keys),
      String(inFlight),
    ]
    const options = {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    } as const
    this.#source = this.#network.run(client, process.execPath, args, {
      ...options,
      stdio: [...options.stdio],
    })
    const talk = new Talk<LoadAsked, LoadAnswer>(this.#source)
    await talk.ready
    return talk
  }

  /** Runs `ringlet …` on the host of a peer. */
  async ringlet<T>(peer: string, ...words: readonly string[]): Promise<T> {
    const on = this.#network.programOn(peer, process.execPath)
    const args = [command, ...words, '--peer', control, '--json']
    const { stdout } = await promisify(execFile)(on, args, { maxBuffer: 2 ** 26 })
    return JSON.parse(stdout) as T
  }

  async close(): Promise<void> {
    for (const child of [...this.#peers.values(), this.#source]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    await this.#network.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export async function grow(options: GrowthOptions): Promise<Growth> {
  const ground = new Ground()
  try {
    return await growOn(ground, options)
  } finally {
    await ground.close()
  }
}

async function growOn(ground: Ground, options: GrowthOptions): Promise<Growth> {
  const { keys, seconds, say } = options
  await Promise.all(founders.map((peer) => ground.start(peer, 'peer')))
  const source = await ground.load(options)
  let seated = await untilSettled(ground, founders.length)
  const phase = async (name: string): Promise<void> => {
    await source.ask({ type: 'phase', name, coordinators: seated })
  }
  const quiet = async (name: string): Promise<void> => {
    say(name)
    await phase(name)
    await wait(seconds * 1000)
  }
  await phase('')
  say(`${keys} keys are written`)
  await source.ask({ type: 'fill' })
  await quiet('three members')

  say('three more join at once')
  await phase('growing')
  await Promise.all(joiners.map((peer) => ground.start(peer, 'join')))
  seated = await untilSettled(ground, founders.length + joiners.length)
  await quiet('six members')

  await phase('shrinking')
  for (const peer of joiners) {
    say(`${peer} leaves`)
    const { seenBy } = await ground.ringlet<RingStatus>(peer, 'status')
    seated = seated.filter(({ id }) => id !== seenBy)
    // Who goes is asked no more, as an operator would have it.
    await source.ask({ type: 'coordinators', coordinators: seated })
    await ground.ringlet(peer, 'leave')
  }
  seated = await untilSettled(ground, founders.length)
  await quiet('three again')
  const { phases = [] } = await source.ask({ type: 'stop' })
  say('every key is read')
  const { wrong = [] } = await source.ask({ type: 'check' })
  return { keys, phases, wrong, ...ratiosOf(phases) }
}

/** Resolves with the members, once all of so many have their seats and nothing is on its way. */
async function untilSettled(ground: Ground, count: number): Promise<Coordinator[]> {
  for (;;) {
    const { members, change, short } = await ground.ringlet<RingStatus>('peer-1', 'status')
    const isWell = members.every(({ state, course, readiness, share }) => {
      return state === 'up' && course === 'up' && readiness === 'ready' && share > 0
    })
    if (isWell && change === null && short === 0 && members.length === count) {
      return members.map(({ id, addresses }) => ({ id, addresses }))
    }
    await wait(lookMs)
  }
}

function ratiosOf(phases: readonly Phase[]) {
  const p99Of = (name: string): number => phases.find((phase) => phase.name === name)?.p99Ms ?? 0
  const calm = ['three members', 'six members', 'three again'].map(p99Of).sort((a, b) => a - b)[1]!
  return { growingRatio: p99Of('growing') / calm, shrinkingRatio: p99Of('shrinking') / calm }
}

export function showGrowth({ keys, phases, wrong, growingRatio, shrinkingRatio }: Growth): string {
  const titles = ['', 'seconds', 'done', 'per second', 'p50 ms', 'p99 ms', 'failed']
  const rows = phases.map(({ name, seconds, done, p50Ms, p99Ms, failed }) => [
    name,
    seconds.toFixed(1),
    String(done),
    (done / seconds).toFixed(0),
    p50Ms.toFixed(1),
    p99Ms.toFixed(1),
    Object.entries(failed)
      .map(([why, count]) => `${why} ${count}`)
      .join(', ') || '0',
  ])
  const held =
    wrong.length === 0 ? `Each of ${keys} keys holds what was acknowledged last.` : wrong.join('\n')
  return [
    ...showTable(titles, rows, titles.slice(1, -1)),
    '',
    `${held} The 99th percentile is ${growingRatio.toFixed(1)} times that of a ring at rest while members join, and ` +
      `${shrinkingRatio.toFixed(1)} times while they leave.`,
  ].join('\n')
}
