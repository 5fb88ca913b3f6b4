/**
 * A real development ring for the browser tests: `ringlet dev` in a folder of its own, three processes and the page, and
 * what the tests ask of it from outside: what each peer holds, and the death of one of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type DevRing, readDevRing } from '../../node/dev-folder.ts'
import { cart, type Cart } from '../../src/values/cart.ts'

const root = join(import.meta.dirname, '..', '..')

/** By product; a value that is no cart makes a reading fail. */
export type Items = Readonly<Record<string, number>>

export class Ring {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #ring: DevRing

  static async start(): Promise<Ring> {
    const folder = mkdtempSync(join(tmpdir(), 'ringlet-browser-'))
    const args = [join(root, 'node', 'main.ts'), 'dev', '--port', '0', '--folder', folder]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stderr.on('data', (piece: Buffer) => (output += piece.toString()))
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (piece: Buffer) => {
        output += piece.toString()
        if (output.includes('Ctrl-C')) resolve()
      })
      child.once('exit', (code) => {
        rmSync(folder, { recursive: true, force: true })
        reject(new Error(`the ring ended with ${code}: ${output}`))
      })
    })
    child.removeAllListeners('exit')
    return new Ring(child, folder)
  }

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    this.#ring = readDevRing(folder)!
  }

  /** `http://localhost:39837/` */
  get page(): string {
    return this.#ring.page
  }

  get peers(): number {
    return this.#ring.peers.length
  }

  /** The ring file as it lies on the disk, parsed. */
  get file(): { ring: { id: string }; bootstrap: string[] } {
    return JSON.parse(readFileSync(join(this.#folder, 'ring.json'), 'utf8')) as never
  }

  /** What one peer, from 1 on, holds of a cart. */
  async itemsAt(peer: number, key: string): Promise<Items> {
    const siblings = await this.siblingsAt(peer, key)
    const carts = siblings.map((value) => {
      if (cart.validate(value)) return value
      throw new Error(`peer ${peer} holds no cart under ${key}: ${JSON.stringify(value)}`)
    })
    const merged = carts.reduce<Cart>((a, b) => cart.merge(a, b), cart.empty)
    return Object.fromEntries(cart.items(merged).map((item) => [item.product, item.quantity]))
  }

  async siblingsAt(peer: number, key: string): Promise<unknown[]> {
    const response = await fetch(`${this.#keyUrl(peer, key)}?r=1`)
    const { siblings } = (await response.json()) as { siblings: { value: unknown }[] }
    return siblings.map(({ value }) => value)
  }

  /** Writes over whatever is there, as an operator would. */
  async put(key: string, value: unknown): Promise<void> {
    const read = await fetch(this.#keyUrl(1, key))
    const { context } = (await read.json()) as { context: string }
    const response = await fetch(this.#keyUrl(1, key), {
      method: 'PUT',
      headers: { 'ringlet-context': context, 'content-type': 'application/json' },
      body: JSON.stringify(value),
    })
    if (!response.ok) throw new Error(`put: ${response.status} ${await response.text()}`)
  }

  async kill(peer: number): Promise<void> {
    process.kill(await this.#startOrFind(peer), 'SIGKILL')
    await this.#until(async () => !(await this.answers(peer)))
  }

  /** Starts a peer that was killed, and waits until it answers. */
  async restart(peer: number): Promise<void> {
    await this.#startOrFind(peer)
    await this.#until(() => this.answers(peer))
  }

  async answers(peer: number): Promise<boolean> {
    try {
      await fetch(`${this.#control(peer)}/ping`)
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    if (this.#child.exitCode === null && this.#child.kill('SIGINT')) await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The launcher starts a peer, or says in which process it runs. */
  async #startOrFind(peer: number): Promise<number> {
    const url = `${this.#ring.launcher}/peers/${peer}/start`
    const response = await fetch(url, { method: 'POST' })
    return ((await response.json()) as { process: number }).process
  }

  #control(peer: number): string {
    return this.#ring.peers[peer - 1]!.control
  }

  #keyUrl(peer: number, key: string): string {
    return `${this.#control(peer)}/buckets/carts/keys/${encodeURIComponent(key)}`
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    for (let left = 200; left > 0; left--) {
      if (await isSo()) return
      await wait(50)
    }
    throw new Error('it did not come to be within ten seconds')
  }
}
