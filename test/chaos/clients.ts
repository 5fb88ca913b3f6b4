/**
 * The clients: a few people who write to a few keys, all at once, through whatever answers.
 *
 * Some read before they write, some write on with a context long stale, some never look, some delete what they find,
 * some try again elsewhere. Each remembers of each key the last context that it was given, and the record notes what it
 * had really seen. Keys whose names begin with `kept` are never deleted: there, what the control port shows is all.
 */
import { type Key, makeKey, showKey } from '../../src/data/key.ts'
import { falseEverywhere, falseQuorum } from '../../src/simulation/claims.ts'
import { type Memory, seenNothing } from '../../src/simulation/client.ts'
import type { Operation } from '../../src/simulation/history.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import { dotsBetween } from './contexts.ts'
import { type Door, doorOfDevice, doorOfPeer, nameOf, type Order } from './doors.ts'
import type { Field } from './field.ts'
import { pause } from './pause.ts'
import { Failed } from './talk.ts'
import { bucket, type DeviceNews } from './words.ts'

const tempers = ['careful', 'deleter', 'stale', 'careful', 'blind', 'impatient'] as const
type Temper = (typeof tempers)[number]

const pauseMs = 350
/** How often a client asks strictly: often enough that most strict reads follow a strict write of their key. */
const strictness = 0.4
/** So many keys are in use at one time; each is left for another after a while. */
const keysAtOnce = 8
const keyLastsMs = 240_000
/** A wall time that no peer's clock says: a tombstone's time is its name. */
const firstTombstoneMs = 1_900_000_000_000

interface Person {
  readonly name: string
  readonly temper: Temper
  readonly random: SeededRandom
  readonly memories: Map<string, Memory>
  home: Door | undefined
}

interface Wish {
  readonly key: Key
  readonly memory: Memory
  readonly kind: 'put' | 'delete'
  readonly again?: number
}

/** The names of all keys that a run of this length uses. */
export function keyNames(lengthMs: number): string[] {
  const count = keysAtOnce + Math.ceil((lengthMs * keysAtOnce) / keyLastsMs)
  return Array.from({ length: count }, (_, i) => `${i % 2 === 0 ? 'kept' : 'gone'}-${i}`)
}

export class Clients {
  /** What was claimed and was not so, and what failed with no word of its own. */
  readonly violations: Violation[] = []
  readonly latencies = { get: [] as number[], put: [] as number[], delete: [] as number[] }
  readonly #field: Field
  readonly #keys: readonly Key[]
  readonly #doors: readonly Door[]
  readonly #people: readonly Person[]
  #lives: Promise<void>[] = []
  #open = false
  #tombstones = 0

  constructor(field: Field, random: SeededRandom, names: readonly string[]) {
    this.#field = field
    this.#keys = names.map((name) => makeKey(bucket, name))
    this.#doors = [
      ...field.members.map((machine) => doorOfPeer(machine)),
      ...field.devices.map((device) => doorOfDevice(device, field.history)),
    ]
    for (const device of field.devices) {
      // A receipt and what follows from it may come in one turn: the receipt's own promises go first.
      device.onNews = (news) => void setTimeout(() => this.#hear(news))
    }
    this.#people = tempers.map((temper, i) => {
      const name = `client ${i + 1}`
      return { name, temper, random: random.fork(name), memories: new Map(), home: undefined }
    })
  }

  start(): void {
    this.#open = true
    this.#lives = this.#people.map((person) => this.#live(person))
  }

  /** Clients finish what they are at, and begin nothing new. */
  async stop(): Promise<void> {
    this.#open = false
    await Promise.all(this.#lives)
  }

  async #live(person: Person): Promise<void> {
    while (this.#open) {
      await pause(person.random.exponential(pauseMs))
      const door = this.#chooseDoor(person)
      if (this.#open && door !== undefined) await this.#act(person, door, this.#chooseKey(person))
    }
  }

  #chooseKey({ random }: Person): Key {
    const oldest = Math.floor((this.#field.story.nowMs * keysAtOnce) / keyLastsMs)
    const first = Math.min(oldest, this.#keys.length - keysAtOnce)
    return this.#keys[first + random.whole(keysAtOnce)]!
  }

  /** Mostly the same one while it is there. */
  #chooseDoor(person: Person): Door | undefined {
    const open = this.#doors.filter(({ isOpen }) => isOpen)
    const stays = person.home?.isOpen === true && person.random.chance(0.6)
    if (!stays) person.home = open.length === 0 ? undefined : person.random.pick(open)
    return person.home
  }

  async #act(person: Person, door: Door, key: Key): Promise<void> {
    const { temper, random } = person
    const dice = random.fraction()
    const remembered = person.memories.get(key.text) ?? seenNothing
    if (temper === 'blind' && dice < 0.6) {
      return this.#write(person, door, { key, memory: seenNothing, kind: 'put' })
    }
    if (temper === 'stale' && dice < 0.8) return this.#writeOn(person, door, key, remembered)
    const shown = await this.#read(person, door, key)
    if (shown === undefined || dice < 0.2) return
    const other = random.chance(0.25) ? (this.#chooseDoor(person) ?? door) : door
    return this.#writeOn(person, other, key, shown)
  }

  /** What it has seen it may delete, where its record says what that was. */
  #writeOn(person: Person, door: Door, key: Key, memory: Memory): Promise<void> {
    const likes = person.random.chance(person.temper === 'deleter' ? 0.6 : 0.1)
    const may = !isKept(key) && door.kind === 'device' && memory !== seenNothing
    return this.#write(person, door, { key, memory, kind: likes && may ? 'delete' : 'put' })
  }

  /** What it may lean on when it writes; undefined where it was told nothing, or not all. */
  async #read(person: Person, door: Door, key: Key): Promise<Memory | undefined> {
    const { witness } = this.#field
    const isLocal = door.kind === 'device' && person.random.chance(0.4)
    const strict = !isLocal && person.random.chance(strictness)
    const what = { kind: 'get', key, basis: [], ack: 'quorum', strict } as const
    const operation = this.#begin(person, door, what)
    const from = isLocal ? 'local' : strict ? 'strict' : 'quorum'
    const shown = await this.#settle(operation, door.read(key, from))
    if (shown === undefined) return undefined
    const { writes, context, state } = shown
    operation.returned = writes
    if (state !== undefined) witness.isShown(showKey(key), state)
    this.#tell(operation, `returns ${writes.map((id) => `w${id}`).join(' ') || 'nothing'}`)
    if (state === undefined && !isKept(key)) return undefined
    const memory = { context, basis: writes }
    person.memories.set(key.text, memory)
    return memory
  }

  async #write(person: Person, door: Door, wish: Wish): Promise<void> {
    const { key, memory, kind, again } = wish
    const { random } = person
    const ack = door.kind === 'device' && random.chance(0.4) ? 'device' : 'quorum'
    const strict = random.chance(strictness)
    const { basis } = memory
    const operation = this.#begin(person, door, { kind, key, basis, ack, strict, again })
    const { id, write } = operation
    const writtenAt = firstTombstoneMs + this.#tombstones++
    if (kind === 'delete') this.#field.history.nameTombstone(writtenAt, write)
    const weight = random.chance(0.05) ? 8000 : 0
    const { context } = memory
    const name = { operation: id, kind, write, key } as const
    const order: Order = { ...name, context, weight, writtenAt, ack, strict }
    const after = await this.#settle(operation, door.write(order))
    if (after !== undefined) return this.#acknowledged(person, operation, key, memory, after)
    const isDelete = kind === 'delete'
    if (again !== undefined || isDelete || person.temper !== 'impatient' || !this.#open) return
    const other = this.#chooseDoor(person)
    if (other !== undefined) await this.#write(person, other, { ...wish, again: id })
  }

  #acknowledged(
    person: Person,
    operation: Operation,
    key: Key,
    memory: Memory,
    context: string,
  ): void {
    const { write, ack } = operation
    for (const dot of dotsBetween(key, memory.context, context)) {
      this.#field.witness.isNamed(showKey(key), dot, write)
    }
    person.memories.set(key.text, { context, basis: [...memory.basis, write] })
    this.#tell(operation, `is acknowledged (${ack})`)
    if (ack === 'quorum') this.#hasQuorum(operation, key)
  }

  #hasQuorum(operation: Operation, key: Key): void {
    operation.quorumMs = this.#field.story.nowMs
    this.#check(falseQuorum(this.#field.groundOf(key), key, operation.write))
  }

  /** How a write goes on that a device took. */
  #hear(news: DeviceNews): void {
    const operation = this.#field.history.get(news.operation)
    const key = this.#keys.find((each) => showKey(each) === operation.key)!
    const { write } = operation
    if ('outcome' in news) {
      this.#fail(operation, news.outcome, news.code)
      this.#tell(operation, `is ${news.outcome} after all (${news.code})`)
    } else if (news.reached === 'quorum') {
      this.#hasQuorum(operation, key)
    } else {
      this.#check(falseEverywhere(this.#field.groundOf(key), key, write))
    }
  }

  #check(found: readonly Violation[]): void {
    this.violations.push(...found)
    for (const { key, text } of found) this.#field.story.tell(text, key)
  }

  #begin(
    person: Person,
    door: Door,
    what: Pick<Operation, 'kind' | 'basis' | 'ack' | 'strict'> & {
      key: Key
      again?: number | undefined
    },
  ): Operation {
    const { story, history } = this.#field
    const { name: via, life } = door
    const start = { ...what, key: showKey(what.key), startMs: story.nowMs }
    const operation = history.begin({ client: person.name, via, life, ...start })
    const how = what.strict ? ' strictly' : ''
    const seen = what.basis.map((id) => ` w${id}`).join('')
    const retry = what.again === undefined ? '' : `, w${what.again} again`
    this.#tell(
      operation,
      `: ${what.kind} ${nameOf(what.key)} at ${via}${how}, has seen${seen || ' nothing'}${retry}`,
    )
    return operation
  }

  async #settle<T>(operation: Operation, answer: Promise<T>): Promise<T | undefined> {
    const { story } = this.#field
    try {
      const result = await answer
      operation.endMs = story.nowMs
      operation.outcome = 'done'
      this.latencies[operation.kind].push(operation.endMs - operation.startMs)
      return result
    } catch (error) {
      operation.endMs = story.nowMs
      const known =
        error instanceof Failed ? error : new Failed('unknown', `defect: ${String(error)}`)
      this.#fail(operation, known.outcome, known.code)
      this.#tell(operation, `is ${known.outcome} (${known.code})`)
      return undefined
    }
  }

  #fail(operation: Operation, outcome: 'refused' | 'unknown', code: string): void {
    operation.outcome = outcome
    operation.failure = code
    if (!code.startsWith('defect')) return
    const text = `w${operation.id} at ${operation.via} failed with no error of its own: ${code}`
    this.violations.push({ promise: 'P10', key: operation.key, text })
  }

  #tell({ client, id, key }: Operation, text: string): void {
    this.#field.story.tell(`${client}: w${id}${text.startsWith(':') ? '' : ' '}${text}`, key)
  }
}

function isKept(key: Key): boolean {
  return nameOf(key).startsWith('kept')
}
