/**
 * A machine with a peer of the ring: its process, its data folder, and a desk beside it that asks its control port.
 *
 * The machine outlives the process. Whoever ends the process means it; one that ends by itself is the operator's
 * business, who is told.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerNews } from '../../node/cli/peer.ts'
import type { GroundMember } from '../../src/simulation/ground.ts'
import { type LaidRing, runPeer } from '../hosts/laid-ring.ts'
import { Store } from './store.ts'
import { Talk } from './talk.ts'
import type { DeskAnswer, DeskAsked } from './words.ts'

/** Long for a process to start, also while every core is busy. */
const readyMs = 60_000

export class Machine implements GroundMember {
  readonly name: string
  readonly host: string
  readonly peer: string
  readonly disk: Store
  /** How many processes have run here. */
  life = 0
  isPaused = false
  /** Its disk was harmed on purpose, and it is not known yet how much. */
  isDamaged = false
  /** Why the last process ended by itself, as it said. */
  why = ''
  /** Called when the process has ended though nobody asked it to. */
  onEnd: () => void = () => {}
  readonly #ring: LaidRing
  readonly #logPath: string
  readonly #desk: Talk<DeskAsked, DeskAnswer>
  readonly #deskProcess: ChildProcess
  #child: ChildProcess | undefined
  #serves = false

  constructor(ring: LaidRing, name: string, folder: string) {
    this.#ring = ring
    this.name = name
    this.host = name
    this.peer = ring.ids.get(name)!
    this.disk = new Store(ring.dataOf(name))
    this.#logPath = join(folder, `${name}.log`)
    this.#deskProcess = ring.network.run(
      name,
      process.execPath,
      [join(import.meta.dirname, './desk.ts')],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
    )
    this.#desk = new Talk(this.#deskProcess)
  }

  get runs(): boolean {
    return this.#child !== undefined
  }

  /** It has said that it serves, and may be paused since. */
  get isOpen(): boolean {
    return this.#serves
  }

  /** It runs, has said that it serves, and is not paused. */
  get serves(): boolean {
    return this.#serves && !this.isPaused
  }

  /** Resolves with whether it serves. */
  async start(): Promise<boolean> {
    if (this.#child !== undefined) return this.#serves
    await this.#desk.ready
    this.life++
    this.why = ''
    const log = openSync(this.#logPath, 'a')
    const stdio = ['ignore', log, log, 'ipc'] as const
    const child = runPeer(this.#ring, this.name, { stdio: [...stdio] }, ['--trace'])
    closeSync(log)
    this.#child = child
    const { promise, resolve } = Promise.withResolvers<boolean>()
    child.on('message', (news: PeerNews) => {
      this.#serves = news.type === 'ready'
      if (news.type === 'failed') this.why = `${news.why} ${news.remedy ?? ''}`
      resolve(this.#serves)
    })
    child.on('exit', () => {
      resolve(false)
      if (this.#child !== child) return
      this.#gone()
      this.onEnd()
    })
    const timer = setTimeout(resolve, readyMs, false)
    const serves = await promise
    clearTimeout(timer)
    return serves
  }

  /** Ends the process, with a word (`SIGTERM`) or without one. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#gone()
    const ended = child.exitCode === null && child.signalCode === null
    const exit = ended ? once(child, 'exit') : undefined
    child.kill(signal)
    // What is paused hears no signal but this.
    const late = setTimeout(() => child.kill('SIGKILL'), readyMs)
    await exit
    clearTimeout(late)
  }

  pause(): void {
    this.isPaused = this.#child?.kill('SIGSTOP') ?? false
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
    this.isPaused = false
  }

  /** Asks the peer's control port. Rejects with `Failed`. */
  ask(asked: DeskAsked): Promise<DeskAnswer> {
    return this.#desk.ask(asked)
  }

  /** What the peer has logged, from that byte on. */
  log(from = 0): Buffer {
    let file: number
    try {
      file = openSync(this.#logPath, 'r')
    } catch {
      return Buffer.alloc(0)
    }
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from))
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from))
    } finally {
      closeSync(file)
    }
  }

  async close(): Promise<void> {
    this.#deskProcess.kill('SIGKILL')
    await this.end('SIGKILL')
  }

  #gone(): void {
    this.#child = undefined
    this.#serves = false
    this.isPaused = false
  }
}
