/**
 * A ring whose peers are on hosts of their own, with pages for the hosts of tabs. What a peer holds is asked with
 * `ringlet get`, on its host.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { MemberReport, RingStatus } from '../../../node/control-status.ts'
import { builtPage } from '../../../node/page-build.ts'
import { makeKey, partitionOf } from '../../../src/data/key.ts'
import { makeRing, type RingMember } from '../../../src/data/ring.ts'
import { cart, type Cart } from '../../../src/values/cart.ts'
import { command, control, type LaidRing, layRing, runPeer } from '../../hosts/laid-ring.ts'
import type { Network } from '../../hosts/network.ts'
import type { Items } from '../ring.ts'

const pagePort = 7400
/** How long the peers may take to find each other. */
const settleMs = 90_000

export class SpreadRing {
  readonly peers: readonly string[]
  readonly #network: Network
  readonly #folder: string
  readonly #ring: LaidRing
  readonly #running = new Map<string, ChildProcess>()

  /** Starts a peer on each of these hosts; resolves once every one of them sees all the others. */
  static async start(network: Network, hosts: readonly string[]): Promise<SpreadRing> {
    const ring = new SpreadRing(network, hosts)
    try {
      await ring.#start()
      return ring
    } catch (error) {
      await ring.close()
      throw error
    }
  }

  private constructor(network: Network, peers: readonly string[]) {
    this.#network = network
    this.peers = peers
    this.#folder = mkdtempSync(join(tmpdir(), 'ringlet-spread-'))
    this.#ring = layRing(network, this.#folder, peers)
  }

  /** Lets hosts of tabs serve the cart page, each for itself. Resolves with its address there. */
  async servePageOn(hosts: readonly string[]): Promise<string> {
    const built = await builtPage()
    if (built === undefined) throw new Error('there is no page to serve')
    // A copy: the page may be built anew while these tests run.
    const folder = join(this.#folder, 'page')
    cpSync(built, folder, { recursive: true })
    const page = { folder, ringFile: this.#ring.path, port: pagePort }
    await Promise.all(hosts.map((host) => this.#network.station(host, { page })))
    return `http://localhost:${pagePort}/`
  }

  /** Lets those hosts serve another page too, under that name. */
  addPage(name: string, folder: string): void {
    cpSync(folder, join(this.#folder, 'page', name), { recursive: true })
  }

  /** What the command says that a peer holds of a cart, by product. Rejects if it is no cart. */
  async items(peer: string, key: string): Promise<Items> {
    const words = ['get', 'carts', key, '--r', '1']
    const { siblings } = await this.ask<{ siblings: { value: unknown }[] }>(peer, words)
    const carts = siblings.map(({ value }) => {
      if (cart.validate(value)) return value
      throw new Error(`${peer} holds no cart under ${key}: ${JSON.stringify(value)}`)
    })
    const merged = carts.reduce<Cart>((a, b) => cart.merge(a, b), cart.empty)
    return Object.fromEntries(cart.items(merged).map((item) => [item.product, item.quantity]))
  }

  /** The members that a peer says are not up, as hosts. */
  async absentFor(peer: string): Promise<string[]> {
    const { members } = await this.ask<RingStatus>(peer, ['status'])
    const up = members.filter(({ state }) => state === 'up').map(({ id }) => id)
    return this.peers.filter((each) => !up.includes(this.#ring.ids.get(each)!))
  }

  /** The owners of a cart, as hosts. */
  async ownersOf(key: string): Promise<string[]> {
    const { ring, members } = await this.ask<RingStatus>(this.peers[0]!, ['status'])
    const asMember = (member: MemberReport): RingMember => ({
      ...member,
      class: member.class === 'durable' ? 'durable' : 'transient',
    })
    const { position } = makeKey('carts', key)
    const owners = makeRing(ring, members.map(asMember)).ownersOf(partitionOf(position, ring.q))
    return this.peers.filter((peer) => owners.includes(this.#ring.ids.get(peer)!))
  }

  /** Runs `ringlet` on the peer's host, and reads what it says as JSON. */
  async ask<T>(peer: string, words: readonly string[]): Promise<T> {
    const args = [command, ...words, '--json', '--peer', control]
    const child = this.#network.run(peer, process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout!.on('data', (piece: Buffer) => (said += piece.toString()))
    await once(child, 'close')
    return JSON.parse(said) as T
  }

  /** Ends the process without a word. */
  async kill(peer: string): Promise<void> {
    const child = this.#running.get(peer)!
    this.#running.delete(peer)
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Starts it on the data that it left; whoever needs it waits until it is seen. */
  run(peer: string): void {
    const log = openSync(join(this.#folder, `${peer}.log`), 'a')
    const child = runPeer(this.#ring, peer, { stdio: ['ignore', log, log] })
    this.#running.set(peer, child)
  }

  /** Resolves once every peer that runs sees all of them. */
  async settled(): Promise<void> {
    const deadline = performance.now() + settleMs
    for (const peer of this.#running.keys()) {
      while ((await this.absentFor(peer).catch(() => this.peers)).length > 0) {
        if (performance.now() > deadline)
          throw new Error(`the ring does not settle: ${this.logs()}`)
        await wait(100)
      }
    }
  }

  /** What the peers said of themselves, for a test that fails. */
  logs(): string {
    const logOf = (peer: string): string => {
      try {
        return readFileSync(join(this.#folder, `${peer}.log`), 'utf8')
      } catch {
        return ''
      }
    }
    return this.peers.map((peer) => `${peer}\n${logOf(peer)}`).join('\n')
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((peer) => this.kill(peer)))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    await Promise.all(this.peers.map((peer) => this.#network.station(peer)))
    for (const peer of this.peers) this.run(peer)
    await this.settled()
  }
}
