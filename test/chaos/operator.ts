/**
 * The operator: starts again what has ended by itself, does what an error's remedy says, and keeps an eye on everything.
 *
 * Each look reads all disks and the news in all logs, so that the witness sees most of what ever stood anywhere, and
 * custody learns what all owners hold.
 */
import { toBinaryText } from '../../src/data/bytes.ts'
import { decodeObject, keyOfStored, shelfRange } from '../../src/protocol/record.ts'
import type { Custody } from '../../src/simulation/custody.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import type { Field } from './field.ts'
import type { Machine } from './machine.ts'
import { pause } from './pause.ts'

const lookEveryMs = 1000
const startAgainMs = 1000
/** A disk that is full may have space again. */
const mostTries = 90
/** What nobody can mend is tried so often. */
const mostVainTries = 5

export class Operator {
  /** What the peers said of damaged records and stores. */
  readonly noticed = { quarantined: 0, refusedToStart: 0, endedByThemselves: 0, foundUnsound: 0 }
  /** A store that is given up for nothing is a copy that is lost. */
  readonly violations: Violation[] = []
  readonly #field: Field
  readonly #custody: Custody
  readonly #read = new Map<Machine, number>()
  readonly #seen = new Set<string>()
  readonly #reviving = new Map<Machine, Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #closed = false

  constructor(field: Field, custody: Custody) {
    this.#field = field
    this.#custody = custody
    for (const machine of field.members) {
      machine.onEnd = () => {
        this.noticed.endedByThemselves++
        field.story.tell(`${machine.name} ends by itself: ${machine.why}`)
        void this.revive(machine)
      }
    }
    this.#timer = setInterval(() => this.look(), lookEveryMs)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  /** Makes a peer serve. Rejects if it will not. */
  revive(machine: Machine): Promise<void> {
    let reviving = this.#reviving.get(machine)
    if (reviving === undefined) {
      reviving = this.#revive(machine).finally(() => this.#reviving.delete(machine))
      this.#reviving.set(machine, reviving)
    }
    return reviving
  }

  look(): void {
    for (const machine of this.#field.members) {
      this.#lookAtDisk(machine)
      this.#readLog(machine)
    }
    this.#custody.look()
  }

  async #revive(machine: Machine): Promise<void> {
    const { story } = this.#field
    if (machine.serves) return
    let vain = 0
    for (let tries = 0; tries < mostTries && !this.#closed; tries++) {
      if (await machine.start()) {
        story.tell(`${machine.name} serves`)
        return
      }
      const { why } = machine
      if (tries === 0) story.tell(`${machine.name} does not start: ${why}`)
      await machine.end('SIGKILL')
      if (why.includes('Move store.db')) {
        if (!machine.isDamaged) this.#blame('P1', `${machine.name} refuses a sound store: ${why}`)
        this.noticed.refusedToStart++
        this.#putAside(machine)
      } else if (!why.includes('full') && ++vain === mostVainTries) {
        this.#blame('P5', `${machine.name} does not start, and its remedy does not help: ${why}`)
        this.#putAside(machine)
      } else {
        await pause(startAgainMs)
      }
    }
    if (!this.#closed) story.tell(`${machine.name} cannot be started: ${machine.why}`)
  }

  #putAside(machine: Machine): void {
    machine.isDamaged = false
    machine.disk.putAside()
    this.#field.story.tell(`the store of ${machine.name} is put aside`)
  }

  #blame(promise: Violation['promise'], text: string): void {
    this.violations.push({ promise, key: '', text })
    this.#field.story.tell(text)
  }

  /** What cannot be read is damage, and counts for nothing. */
  #lookAtDisk(machine: Machine): void {
    if (machine.disk.takeGivenUp() && !machine.isDamaged) {
      this.#blame('P1', `${machine.name} gives up a store that nobody harmed`)
    }
    const { from, to } = shelfRange('object')
    for (const { key, value } of machine.disk.entries(from, to)) {
      const content = [machine.name, ...[key, value.subarray(-24)].map(toBinaryText)].join(' ')
      if (this.#seen.has(content)) continue
      this.#seen.add(content)
      try {
        decodeObject(keyOfStored(key), value)
      } catch {
        continue
      }
      this.#field.witness.sees(machine, key, value)
    }
  }

  #readLog(machine: Machine): void {
    const from = this.#read.get(machine) ?? 0
    const news = machine.log(from)
    const whole = news.subarray(0, news.lastIndexOf('\n') + 1)
    this.#read.set(machine, from + whole.length)
    for (const line of whole.toString().split('\n')) {
      const [, type, ...words] = line.split(' ')
      if (type === 'generation') {
        this.#field.witness.meets(words.join(' ').replace(/[()]/g, ''), machine.name)
      }
      const dot = /(\S+\.\d+ \d+)/.exec(words.join(' '))?.[1]
      if (type === 'epoch-abandoned' && dot !== undefined) this.#field.witness.abandons(dot)
      if (type === 'quarantined') this.noticed.quarantined++
    }
  }
}
