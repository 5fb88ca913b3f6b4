/**
 * One peer of a development ring, as its launcher sees it: a process that was forked, that says when it is ready, and that
 * may die at any moment.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PeerNews } from './cli/peer.ts'
import { type DevPeer, ringFileOf } from './dev-folder.ts'
import { storePath } from './disk-folder.ts'

export interface DevPeerOptions {
  readonly folder: string
  readonly number: number
  readonly peer: DevPeer
  /** Called when the process ends and nobody asked it to. */
  readonly died: (how: string) => void
}

/** Longer than a peer takes to close in order. */
const stopMs = 8000
/** A ^C reaches all processes of a terminal at once: the news that a peer ends may come before the reason does. */
const graceMs = 300

export class DevPeerProcess {
  readonly #options: DevPeerOptions
  #child: ChildProcess | undefined
  #stopping = false
  /** Whether the log is of this run: the last run's is overwritten. */
  #hasLog = false

  constructor(options: DevPeerOptions) {
    this.#options = options
  }

  get peer(): DevPeer {
    return this.#options.peer
  }

  /** Of the process that runs; undefined when none does. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Forks the peer; resolves once it serves, with undefined, or with why it does not. */
  start(): Promise<string | undefined> {
    this.#stopping = false
    const { folder, peer } = this.#options
    const log = openSync(join(folder, `${peer.name}.log`), this.#hasLog ? 'a' : 'w')
    this.#hasLog = true
    const child = fork(process.argv[1]!, this.#arguments(), { stdio: ['ignore', log, log, 'ipc'] })
    closeSync(log)
    this.#child = child
    return new Promise((resolve) => {
      let why: string | undefined
      child.on('message', (news: PeerNews) => {
        if (news.type === 'ready') resolve(undefined)
        else why = [news.why, news.remedy].filter((part) => part !== undefined).join(' ')
      })
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => {
        this.#child = undefined
        const how = why ?? (signal === null ? `exit code ${code}` : `killed by ${signal}`)
        resolve(how)
        if (!this.#stopping) setTimeout(() => this.#report(how), graceMs)
      })
    })
  }

  /** Resolves once the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    // A stopped process takes no other signal, and may hold up the rest.
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await gone
    clearTimeout(timer)
  }

  #report(how: string): void {
    if (!this.#stopping) this.#options.died(how)
  }

  #arguments(): string[] {
    const { folder, number, peer } = this.#options
    const values = {
      ring: ringFileOf(folder),
      data: join(folder, peer.name),
      control: new URL(peer.control).port,
      tcp: String(peer.tcpPort),
      ws: String(peer.wsPort),
      host: `dev-${number}`,
    }
    // Where some peer has run before there is a ring: one that has left it comes back as a joiner, the others stay what they are.
    const command = someHaveRun(folder) ? 'join' : 'peer'
    return [command, ...Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])]
  }
}

function someHaveRun(folder: string): boolean {
  return readdirSync(folder).some((name) => existsSync(storePath(join(folder, name))))
}
