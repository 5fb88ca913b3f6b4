/**
 * The clients: a few people who shop in a few carts, all at once, at whatever peer answers.
 *
 * Few keys and many writers make conflicts the rule, not the exception. Some clients read before they write, some write
 * on with a context long stale, some never look. A client moves between peers and takes its contexts along.
 */
import { type Key, makeKey, showKey } from '../data/key.ts'
import { makeValue } from '../data/siblings.ts'
import { nothingSeen, type Seen } from '../data/vector.ts'
import { contextFromText, contextToText } from '../protocol/context.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Cluster, Machine, Process } from './cluster.ts'
import { bytesOfId, type Operation } from './history.ts'
import type { SeededRandom } from './random.ts'

export interface WorkloadSettings {
  readonly clients: number
  readonly keys: number
  readonly r: number
  readonly w: number
  /** Mean pause of a client between two operations. */
  readonly pauseMs: number
}

/** What a client remembers of a key: the ring's word for it, and the truth. */
interface Memory {
  /** As applications hold it. */
  readonly context: string
  /** The writes it had seen, by id. */
  readonly seen: ReadonlySet<number>
}

const seenNothing: Memory = { context: '', seen: new Set() }

export class Workload {
  readonly keys: readonly Key[]
  readonly #cluster: Cluster
  readonly #settings: WorkloadSettings
  #open = true
  #writes = 0

  constructor(cluster: Cluster, settings: WorkloadSettings) {
    this.#cluster = cluster
    this.#settings = settings
    const random = cluster.random.fork('keys')
    const names = random.shuffled(Array.from({ length: 1000 }, (_, i) => `k${i}`))
    this.keys = names.slice(0, settings.keys).map((name) => makeKey('carts', name))
  }

  start(): void {
    for (let i = 1; i <= this.#settings.clients; i++) void this.#live(new Client(this.#cluster, i))
  }

  /** Clients finish what they are at, and begin nothing new. */
  stop(): void {
    this.#open = false
  }

  async #live(client: Client): Promise<void> {
    const { random } = client
    for (;;) {
      await this.#pause(random.exponential(this.#settings.pauseMs))
      if (!this.#open) return
      const machine = client.choosePeer()
      const key = random.pick(this.keys)
      if (machine !== undefined) await this.#act(client, machine, key)
    }
  }

  async #act(client: Client, machine: Machine, key: Key): Promise<void> {
    const dice = client.random.fraction()
    const remembered = client.memories.get(key.text) ?? seenNothing
    if (client.blind || dice < 0.08) return this.#write(client, machine, key, seenNothing)
    if (dice < 0.35) return void (await this.#read(client, machine, key))
    if (dice < 0.5) return this.#write(client, machine, key, remembered)
    // Read, think, write: the context is a little old by then.
    const read = await this.#read(client, machine, key)
    if (read === undefined || machine.process?.member === undefined) return
    if (client.random.chance(0.3)) await this.#pause(client.random.exponential(500))
    const other = client.random.chance(0.2) ? (client.choosePeer() ?? machine) : machine
    await this.#write(client, other, key, read)
  }

  async #read(client: Client, machine: Machine, key: Key): Promise<Memory | undefined> {
    const { history } = this.#cluster
    const begun = this.#begin(client, machine, 'get', key, seenNothing)
    if (begun === undefined) return undefined
    const { operation, process } = begun
    const got = await this.#settle(operation, process, process.member!.get(key, this.#settings.r))
    if (got === undefined) return undefined
    const writes = got.state.siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
    operation.returned = writes
    const memory = { context: contextToText(key, got.state.seen), seen: history.closure(writes) }
    client.memories.set(key.text, memory)
    this.#tell(operation, `returns ${writes.map((id) => `w${id}`).join(' ') || 'nothing'}`)
    return memory
  }

  async #write(client: Client, machine: Machine, key: Key, memory: Memory): Promise<void> {
    const deletes = memory !== seenNothing && client.random.chance(0.15)
    const begun = this.#begin(client, machine, deletes ? 'delete' : 'put', key, memory)
    if (begun === undefined) return
    const { operation, process } = begun
    const written = await this.#settle(
      operation,
      process,
      process.member!.write({
        kind: 'mint',
        key,
        context: contextOf(key, memory),
        value: this.#valueOf(operation),
        w: this.#settings.w,
        origin: machine.peer,
        request: client.random.bytes(16),
      }),
    )
    if (written === undefined) return
    const seen = new Set(memory.seen).add(operation.id)
    client.memories.set(key.text, { context: contextToText(key, written.context), seen })
    const acks = written.acks.map((peer) => this.#cluster.nameOf(peer)).join(' ')
    this.#tell(operation, `is acknowledged by ${acks}`)
  }

  /** Each write's value is its name; a tombstone's is its time, which no other write has. */
  #valueOf(operation: Operation): ReturnType<typeof makeValue> {
    const writtenAt = 1_900_000_000_000 + this.#writes++
    if (operation.kind === 'put') return makeValue(bytesOfId(operation.id), writtenAt)
    this.#cluster.history.nameTombstone(writtenAt, operation.id)
    return makeValue(undefined, writtenAt)
  }

  #begin(
    client: Client,
    machine: Machine,
    kind: Operation['kind'],
    key: Key,
    memory: Memory,
  ): { operation: Operation; process: Process } | undefined {
    const { process } = machine
    if (process?.member === undefined) return undefined
    const operation = this.#cluster.history.begin({
      client: client.name,
      via: machine.name,
      kind,
      key: showKey(key),
      seen: memory.seen,
      startMs: this.#cluster.scheduler.nowMs,
    })
    const seen = memory === seenNothing ? ' blind' : ''
    this.#tell(
      operation,
      `${kind} w${operation.id} ${operation.key} at ${machine.name}${kind === 'get' ? '' : seen}`,
    )
    return { operation, process }
  }

  /** Waits for the answer or for the peer's death, and notes which. */
  async #settle<T>(
    operation: Operation,
    process: Process,
    answer: Promise<T>,
  ): Promise<T | undefined> {
    const { scheduler } = this.#cluster
    try {
      const result = await Promise.race([answer, process.ended])
      operation.endMs = scheduler.nowMs
      if (process.life.alive) {
        operation.outcome = 'done'
        return result as T
      }
      operation.outcome = 'unknown'
      operation.failure = 'crashed'
    } catch (error) {
      operation.endMs = scheduler.nowMs
      const known = error instanceof RingletError
      operation.outcome = known ? error.outcome : 'unknown'
      operation.failure = known ? error.code : String(error)
      if (!known)
        this.#cluster.network.offences.push(`${operation.via}: ${String((error as Error).stack)}`)
    }
    this.#tell(operation, `is ${operation.outcome} (${operation.failure})`)
    return undefined
  }

  #tell(operation: Operation, text: string): void {
    const said = text.startsWith(operation.kind) ? text : `w${operation.id} ${text}`
    this.#cluster.chronicle.tell(operation.client, said, operation.key)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cluster.scheduler.after(ms, resolve)
    })
  }
}

class Client {
  readonly name: string
  readonly random: SeededRandom
  /** Writes without ever looking. */
  readonly blind: boolean
  readonly memories = new Map<string, Memory>()
  readonly #cluster: Cluster
  #home: Machine | undefined

  constructor(cluster: Cluster, number: number) {
    this.name = `client ${number}`
    this.random = cluster.random.fork(this.name)
    this.blind = this.random.chance(0.15)
    this.#cluster = cluster
  }

  /** Mostly the same peer while it serves. */
  choosePeer(): Machine | undefined {
    const { serving } = this.#cluster
    const stays = this.#home?.process?.member !== undefined && this.random.chance(0.7)
    if (!stays) this.#home = serving.length === 0 ? undefined : this.random.pick(serving)
    return this.#home
  }
}

function contextOf(key: Key, { context }: Memory): Seen {
  return context === '' ? nothingSeen : contextFromText(key, context)
}
