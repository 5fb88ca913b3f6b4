/**
 * The clients: a few people who shop in a few carts, all at once, at whatever peer answers.
 *
 * Few keys and many writers make conflicts the rule, not the exception. Some clients read before they write, some write
 * on with a context long stale, some never look, some try again elsewhere what did not succeed. A client moves between
 * peers and takes its contexts along. Two keys each share a partition key, so that what a client reads it may also find
 * in a listing.
 */
import { type Key, makeKey, showKey } from '../data/key.ts'
import { liveSiblings, makeValue, type Value } from '../data/siblings.ts'
import { countLoose } from '../data/vector.ts'
import { contextFromText, contextToText } from '../protocol/context.ts'
import { limits } from '../protocol/limits.ts'
import type { Receipt } from '../peer/api.ts'
import { falseEmptiness, falselySynced, falseEverywhere, falseQuorum } from './claims.ts'
import { Client, type Memory, seenNothing } from './client.ts'
import type { Cluster } from './cluster.ts'
import { bytesOfId, type Operation } from './history.ts'
import { inspect } from './inspection.ts'
import { readListed } from './listings.ts'
import type { Machine, Process } from './machine.ts'
import { type Begun, Operations } from './operations.ts'
import type { LeftOut } from './scene.ts'
import type { Violation } from './violation.ts'

/** A write as its client asks for it, and asks for it again. */
interface Wish {
  readonly key: Key
  readonly memory: Memory
  readonly kind: 'put' | 'delete'
  /** The write that this is another attempt at, and its value. */
  readonly again?: { readonly write: number; readonly value: Value; readonly buffered: boolean }
}

/** A receipt that its device still owes the last word. */
interface Awaited {
  readonly operation: Operation
  readonly process: Process
  readonly receipt: Receipt
}

export class Workload {
  readonly keys: readonly Key[]
  /** Claims that were false when they were made. */
  readonly violations: Violation[] = []
  /** The turns that clients took, in order. */
  readonly turns: string[] = []
  /** How often a tab had a member write what it was to write on its own device. */
  handedOver = 0
  /** Called when a quorum has acknowledged a buffered write. */
  onBuffered: (operation: Operation) => void = () => {}
  readonly #cluster: Cluster
  readonly #operations: Operations
  readonly #without: LeftOut
  readonly #awaited = new Set<Awaited>()
  readonly #merger: Client
  #open = true
  /** How many clients have read, and are to write. */
  thinking = 0
  #writes = 0

  /** `without`: the turns that are left out. */
  constructor(cluster: Cluster, without: LeftOut = new Set()) {
    this.#cluster = cluster
    this.#operations = new Operations(cluster)
    this.#without = without
    this.#merger = new Client(cluster, 0, 'careful')
    const random = cluster.random.fork('keys')
    const names = random.shuffled(Array.from({ length: 1000 }, (_, i) => `k${i}`))
    this.keys = Array.from({ length: cluster.settings.keys }, (_, i) => {
      const partitionKey = names[i - (i % 2)]!
      return makeKey('carts', i % 2 === 0 ? partitionKey : [partitionKey, 'more'])
    })
  }

  /** By `bucket/path`. */
  keyNamed(name: string): Key {
    return this.keys.find((key) => showKey(key) === name)!
  }

  start(): void {
    const random = this.#cluster.random.fork('follows')
    for (const { process } of this.#cluster.edges) {
      for (const key of this.keys) if (random.chance(0.6)) void process?.keyed?.follow(key)
    }
    const { clients, tempers } = this.#cluster.settings
    for (let i = 1; i <= clients; i++) {
      void this.#live(new Client(this.#cluster, i, tempers[i % tempers.length]!))
    }
  }

  /** Clients finish what they are at, and begin nothing new. */
  stop(): void {
    this.#open = false
  }

  /** Where so many values stand side by side that no blind write is taken, somebody reads them and writes on. */
  mergeCrowds(): void {
    const { limits } = this.#cluster.settings
    const holdings = inspect(this.#cluster)
    for (const key of this.keys) {
      const held = holdings.get(showKey(key)) ?? []
      const isCrowd = held.some(({ owner, state }) => {
        return owner && liveSiblings(state).length >= limits.siblings
      })
      const client = this.#merger
      client.nextTurn()
      const machine = this.#cluster.serving.find(({ kind }) => kind === 'member')
      if (isCrowd && machine !== undefined) void this.#merge(client, machine, key)
    }
  }

  async #merge(client: Client, machine: Machine, key: Key): Promise<void> {
    const read = await this.#read(client, machine, key)
    if (read !== undefined) await this.#wish(client, machine, { key, memory: read, kind: 'put' })
  }

  /** The writes whose device has never said that they are everywhere, though it lives. */
  unsettled(): Operation[] {
    return [...this.#awaited]
      .filter(({ process }) => process.life.alive)
      .map(({ operation }) => operation)
  }

  async #live(client: Client): Promise<void> {
    const { pauseMs } = this.#cluster.settings
    for (;;) {
      const turn = client.nextTurn()
      await this.#pause(this.#cluster.pace * client.random.exponential(pauseMs))
      if (!this.#open) return
      if (this.#without.has(turn)) continue
      this.turns.push(turn)
      const machine = client.choosePeer()
      const key = this.#chooseKey(client)
      if (machine !== undefined) await this.#act(client, machine, key)
    }
  }

  #chooseKey({ random }: Client): Key {
    const { hotness } = this.#cluster.settings
    return hotness > 0 && random.chance(hotness) ? this.keys[0]! : random.pick(this.keys)
  }

  async #act(client: Client, machine: Machine, key: Key): Promise<void> {
    const remembered = client.memories.get(key.text) ?? seenNothing
    switch (client.chooseMove()) {
      case 'follow or not':
        return this.#turn(machine, key)
      case 'read':
        return void (await this.#read(client, machine, key))
      case 'write blind':
        return this.#wish(client, machine, { key, memory: seenNothing, kind: 'put' })
      case 'write on':
        return this.#write(client, machine, key, remembered)
      case 'read and write': {
        const read = await this.#read(client, machine, key)
        if (read === undefined) return
        // Think, and write: the context is a little old by then.
        if (client.random.chance(0.3)) await this.#think(client)
        const other = client.random.chance(0.2) ? (client.choosePeer() ?? machine) : machine
        return this.#write(client, other, key, read)
      }
    }
  }

  async #think({ random }: Client): Promise<void> {
    this.thinking++
    await this.#pause(random.exponential(500))
    this.thinking--
  }

  /** Follows a key at a tab, or follows it no more. */
  async #turn({ name, process }: Machine, key: Key): Promise<void> {
    const edge = process?.edge
    if (edge === undefined) return
    const followed = edge.copies.of(key).followed
    this.#cluster.history.turned(name, showKey(key))
    // What a full disk does not take is not followed.
    await Promise.race([
      (followed ? edge.unfollow(key) : edge.follow(key)).catch(() => {}),
      process!.ended,
    ])
  }

  async #read(client: Client, machine: Machine, key: Key): Promise<Memory | undefined> {
    const { history, witness } = this.#cluster
    const local = machine.kind === 'edge' && client.random.chance(0.5)
    const strict = !local && this.#isStrict(client)
    const what = { kind: 'get', key, basis: [], ack: 'quorum', strict } as const
    const begun = this.#operations.begin(client, machine, what)
    if (begun === undefined) return undefined
    const { operation, process } = begun
    const follows = process.edge?.copies.of(key).followed === true
    const mustShow = local && follows ? history.ownOf(operation) : []
    const from = local ? 'local' : strict ? 'strict' : 'quorum'
    const fromMs = process.keyed!.now()
    const fromVirtualMs = this.#cluster.scheduler.nowMs
    const byListing = client.random.chance(0.25)
    const answer = byListing
      ? readListed(process.keyed!, key, from)
      : process.keyed!.read(key, from)
    const read = await this.#operations.settle(begun, answer)
    if (read === undefined) return undefined
    if (!byListing && read.source === 'local')
      this.violations.push(...falseEmptiness(process.edge, key, read.state))
    const tookMs = this.#cluster.scheduler.nowMs - fromVirtualMs
    this.#cluster.expiries.reads(operation, read.state, fromMs, process.keyed!.now(), tookMs)
    const writes = read.state.siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
    operation.returned = writes
    if (read.source === 'local') operation.mustShow = mustShow
    // What a tab shows of its own is durable on its own disk, which the witness does not read.
    if (machine.kind === 'member') operation.premature = writes.filter((id) => !witness.exists(id))
    this.#operations.tell(
      operation,
      `returns ${writes.map((id) => `w${id}`).join(' ') || 'nothing'}`,
    )
    const context = contextToText(key, read.state.seen)
    return client.remember(key, { context, basis: writes })
  }

  #write(client: Client, machine: Machine, key: Key, memory: Memory): Promise<void> {
    const kind = memory !== seenNothing && client.deletes(key) ? 'delete' : 'put'
    return this.#wish(client, machine, { key, memory, kind })
  }

  async #wish(client: Client, machine: Machine, wish: Wish): Promise<void> {
    const { key, memory, kind, again } = wish
    const ack = machine.kind === 'edge' && client.random.chance(0.5) ? 'device' : 'quorum'
    const { basis } = memory
    const strict = this.#isStrict(client)
    const wanted = again?.buffered ?? this.#isBuffered(client)
    const buffered = wanted && !strict
    const what = { kind, key, basis, ack, strict, buffered, again: again?.write } as const
    const begun = this.#operations.begin(client, machine, what)
    if (begun === undefined) return
    const { operation, process } = begun
    const context = contextFromText(key, memory.context)
    // It may have lost some of what its writer had seen.
    if (countLoose(context) >= limits.looseDots) this.#cluster.history.bound(operation.write)
    const value = again?.value ?? this.#valueOf(begun, client)
    const dw = buffered && client.random.chance(0.2) ? 1 : undefined
    const demands = strict ? { demands: { strict } } : buffered ? { demands: { buffered, dw } } : {}
    const written = process.keyed!.write({ key, context, value, ack, ...demands })
    const receipt = await this.#operations.settle(begun, written)
    if (receipt !== undefined) operation.receipt = receipt.id
    if (receipt !== undefined) return this.#acknowledged(client, begun, key, basis, receipt, dw)
    if (again !== undefined || !client.triesAgain()) return
    await this.#pause(client.random.exponential(1000))
    const other = this.#open ? client.choosePeer() : undefined
    if (other === undefined) return
    await this.#wish(client, other, { ...wish, again: { write: operation.id, value, buffered } })
  }

  #acknowledged(
    client: Client,
    { operation, process }: Begun,
    key: Key,
    basis: readonly number[],
    receipt: Receipt,
    dw?: number,
  ): void {
    const { write } = operation
    client.remember(key, { context: receipt.context, basis: [...basis, write] })
    const acks = receipt.acks.map((peer) => ` ${this.#cluster.nameOf(peer)}`).join('')
    this.#operations.tell(operation, `is acknowledged (${receipt.stage}${acks})`)
    if (operation.ack === 'device' && receipt.stage !== 'device') this.handedOver++
    if (operation.ack !== 'quorum') return this.#followUp(operation, process, key, receipt, dw)
    operation.quorumMs = operation.endMs
    this.#checkQuorum(operation, key, receipt, dw)
  }

  /** How a write goes on that its device took. The ring may yet refuse it for good. */
  #followUp(operation: Operation, process: Process, key: Key, receipt: Receipt, dw?: number): void {
    const awaited = { operation, process, receipt }
    this.#awaited.add(awaited)
    receipt
      .reached('quorum')
      .then(() => {
        operation.quorumMs = this.#cluster.scheduler.nowMs
        this.#checkQuorum(operation, key, receipt, dw)
        return receipt.reached('everywhere')
      })
      .then(() => {
        this.#awaited.delete(awaited)
        this.violations.push(...falseEverywhere(this.#cluster, key, operation.write))
      })
      .catch((error: unknown) => {
        this.#awaited.delete(awaited)
        this.#operations.fail(operation, error)
        this.#operations.tell(operation, `is ${operation.outcome} after all (${operation.failure})`)
      })
  }

  /** What its receipt says of a write that a quorum has. */
  #checkQuorum(operation: Operation, key: Key, receipt: Receipt, dw = 0): void {
    const { write } = operation
    this.violations.push(...falseQuorum(this.#cluster, key, write))
    if (!operation.buffered) return
    this.violations.push(...falselySynced(this.#cluster, key, write, receipt, dw))
    this.onBuffered(operation)
  }

  /** Each write's value is its name; a tombstone's is its time, which no other write has, and an expired value is one. */
  #valueOf({ operation, process }: Begun, { random }: Client): Value {
    const { history, expiries } = this.#cluster
    const writtenAt = 1_900_000_000_000 + this.#writes++
    const { largeBytes, largeChance } = this.#cluster.settings
    const weight = largeBytes > 0 && random.chance(largeChance) ? largeBytes : 0
    const isPut = operation.kind === 'put'
    const now = process.keyed!.now()
    const expiresAt = isPut ? expiries.draw(operation.write, random, now) : undefined
    if (!isPut || expiresAt !== undefined) history.nameTombstone(writtenAt, operation.id)
    return makeValue(isPut ? bytesOfId(operation.id, weight) : undefined, writtenAt, expiresAt)
  }

  #isStrict({ random }: Client): boolean {
    const { strictness } = this.#cluster.settings
    return strictness > 0 && random.chance(strictness)
  }

  #isBuffered({ random }: Client): boolean {
    const { buffering } = this.#cluster.settings
    return buffering > 0 && random.chance(buffering)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cluster.scheduler.after(ms, resolve)
    })
  }
}
