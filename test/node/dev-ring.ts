/**
 * A development ring as a person has one: `ringlet dev` in a process of its own, on free ports, in a folder of its own;
 * and the command line beside it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type DevRing, readDevRing } from '../../node/dev-folder.ts'

const program = join(import.meta.dirname, '..', '..', 'node', 'main.ts')

export interface Ran {
  readonly exit: number | null
  readonly out: string
  readonly error: string
}

/** An empty folder that goes when the caller's scope ends. */
export function emptyFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'ringlet-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Runs `ringlet …` in `cwd` to its end, which `signal` may bring about. */
export async function ringlet(
  cwd: string,
  args: readonly string[],
  input = '',
  signal?: AbortSignal,
): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...args], { cwd })
  signal?.addEventListener('abort', () => child.kill('SIGTERM'))
  const out = collect(child.stdout)
  const error = collect(child.stderr)
  child.stdin.end(input)
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, out: out(), error: error() }
}

export class TestRing {
  readonly cwd: string
  readonly process: ChildProcess
  readonly #out: () => string
  readonly #error: () => string

  /** Resolves once the ring says that it is whole; rejects with what it said if it ends before. */
  static async start(cwd: string, args: readonly string[] = ['--port', '0']): Promise<TestRing> {
    const ring = new TestRing(cwd, args)
    await ring.says('Ctrl-C')
    return ring
  }

  private constructor(cwd: string, args: readonly string[]) {
    this.cwd = cwd
    this.process = spawn(process.execPath, [program, 'dev', ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#out = collect(this.process.stdout!)
    this.#error = collect(this.process.stderr!)
  }

  /** Everything that the launcher has printed. */
  get out(): string {
    return this.#out()
  }

  get error(): string {
    return this.#error()
  }

  get folder(): string {
    return join(this.cwd, '.ringlet')
  }

  get ports(): DevRing {
    return readDevRing(this.folder)!
  }

  /** Resolves once the launcher has printed `text`. */
  async says(text: string): Promise<void> {
    await until(`the launcher to say: ${text}`, () => {
      if (this.out.includes(text)) return true
      if (this.process.exitCode === null && this.process.signalCode === null) return false
      throw new Error(`the launcher ended: ${this.out}${this.error}`)
    })
  }

  run(...args: readonly string[]): Promise<Ran> {
    return ringlet(this.cwd, args)
  }

  /** Runs a command with `--json` and parses its answer. */
  async ask<T = any>(...args: readonly string[]): Promise<T> {
    return JSON.parse((await this.run(...args, '--json')).out) as T
  }

  /** The process of the `number`-th peer; undefined when it is down. */
  async processOf(number: number): Promise<number | undefined> {
    const response = await fetch(this.ports.launcher)
    const { peers } = (await response.json()) as { peers: { process: number | null }[] }
    return peers[number - 1]?.process ?? undefined
  }

  /** The processes of all peers that run. */
  async pids(): Promise<number[]> {
    const all = await Promise.all(this.ports.peers.map((_, i) => this.processOf(i + 1)))
    return all.filter((pid) => pid !== undefined)
  }

  async kill(number: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill((await this.processOf(number))!, signal)
  }

  /** Ends the launcher, as Ctrl-C does; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode
    const gone = once(this.process, 'close')
    this.process.kill(signal)
    await gone
    return this.process.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGTERM')
  }
}

/** Asks again and again; rejects after `mostMs`, and says what it waited for. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  mostMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + mostMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await wait(30)
  }
}

/** Whether a process with this id runs; one that has ended but was not collected does not. */
export function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`) || (!existsSync('/proc/self') && canSignal(pid))
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (piece: string) => (text += piece))
  return () => text
}
