/**
 * The membership table of one peer: durable first, shown after.
 *
 * A record is believed when its subject signed it, and is durable here before it is shown to anybody. A peer's own record
 * continues above whatever the ring remembers of it, so that a peer that lost its disk is not shouted down by its own
 * past.
 */
import { assert } from '../data/assert.ts'
import type { Identity } from '../data/identity.ts'
import { encode } from '../protocol/codec.ts'
import type { Say } from '../protocol/event.ts'
import { limits } from '../protocol/limits.ts'
import {
  isNewer,
  type MemberRecord,
  type PeerId,
  receive,
  type RingIdentity,
  type SignedRecord,
  type View,
} from '../protocol/membership.ts'
import type { MemberRules } from '../protocol/member-rules.ts'
import { storageKeys } from '../protocol/record.ts'
import type { Rules } from '../protocol/rules.ts'
import type { Random, Storage, Transport } from '../ports.ts'
import { storedTable } from './remembered.ts'
import type { Troubles } from './troubles.ts'

/** A version grows by at most so much at a time: 2^53 is 2^29 restarts away. */
const versionStep = 2 ** 24

/** What a member says of itself, apart from what the gossip counts. */
export type OwnStatement = Omit<MemberRecord, 'version' | 'peer' | 'life'>

export interface TableOptions {
  readonly ring: RingIdentity
  readonly identity: Identity
  readonly storage: Storage
  readonly transport: Transport
  readonly random: Random
  readonly say: Say
  readonly rules: Rules
  /** Of a peer that states itself. */
  readonly memberRules?: MemberRules
  /**
   * Somebody spoke in this peer's name with this store's generation: the store is a copy, or was set back. Takes a new
   * generation and resolves with it.
   */
  readonly renew?: () => Promise<string>
  /** Another of this name lives, and has the elder right to it: this peer is to stop. */
  readonly displaced?: () => void
  readonly troubles: Troubles
  /** A member calls its store new, and does not know what is known of it here: this record. */
  readonly contradicted?: (known: SignedRecord) => void
  /** Called after this peer has changed its own word: the others are to hear it. */
  readonly restated?: (own: SignedRecord) => void
  /** Called after the record of some member changed. */
  readonly heard?: () => void
  /** The view as it is shown, of the one that the records alone would give. */
  readonly layOut?: (raw: View) => View
  /** Called after a new view stands. */
  readonly adopted: (view: View) => void
}

/** The membership table as this peer knows it: durable first, shown after. */
export class Table {
  readonly #options: TableOptions
  /** By the records alone. */
  #view: View
  #shown: View
  #own: SignedRecord | undefined
  /** Names this life; 0 before its first statement. */
  #began = 0
  #isDisplaced = false
  /** Whether this store was opened as it was left, maybe by somebody who set it back to before its last generation. */
  #mayBeOld: boolean
  #saving: Promise<void> = Promise.resolve()
  #restating: Promise<void> = Promise.resolve()

  /** `view` is what the store remembers; a restarted peer serves from it at once. */
  constructor(options: TableOptions, view: View) {
    this.#options = options
    this.#view = view
    this.#shown = options.layOut?.(view) ?? view
    this.#mayBeOld = this.ownRecord !== undefined
    for (const signed of view.members) this.#learn(signed)
  }

  get view(): View {
    return this.#shown
  }

  /** This peer's record as the table has it: its own last word, or the ring's memory of one. */
  get ownRecord(): MemberRecord | undefined {
    return this.#view.byPeer.get(this.#options.identity.peer)?.record
  }

  get own(): SignedRecord | undefined {
    return this.#own
  }

  /**
   * States this peer's record anew, above every version of it that is known, by a step that nobody else would take:
   * did each begin at 1 and go on by 1, a peer that lost its disk would repeat a version of its past, and two copies of
   * one store would say the same of themselves and never notice each other.
   */
  async state(statement: OwnStatement): Promise<void> {
    const { identity, random, ring, memberRules: rules } = this.#options
    const known = this.ownRecord
    const version = (known?.version ?? 0) + 1 + Math.floor(random.fraction() * versionStep)
    this.#began ||= version
    const life = { began: this.#began, after: known?.life?.began ?? 0 }
    assert(rules !== undefined, 'only a member states itself')
    const own = rules.signRecord(identity, ring, {
      ...statement,
      peer: identity.peer,
      version,
      life,
    })
    // Durable before anybody is shown it: a word that a crash took back would look like a stranger's.
    await this.#adopt([own])
    this.#own = own
    if (statement.readiness !== known?.readiness)
      this.#options.say({ type: 'readiness', detail: statement.readiness })
  }

  /** States a change of this peer's record, one after another; `stated` is told of it, and pushes it on. */
  async restate(change: (own: MemberRecord) => Partial<OwnStatement>): Promise<void> {
    const turn = this.#restating
      .catch(() => undefined)
      .then(async () => {
        const own = this.#isDisplaced ? undefined : this.#own?.record
        const changes = own === undefined ? {} : change(own)
        if (own === undefined || Object.keys(changes).length === 0) return
        await this.state({ ...statementOf(own), ...changes })
      })
    this.#restating = turn
    await turn
    if (this.#own !== undefined) this.#options.restated?.(this.#own)
  }

  /** Takes in records from elsewhere; resolves with those that were news. */
  async receive(arrived: readonly SignedRecord[]): Promise<SignedRecord[]> {
    const { ring, identity, rules, say } = this.#options
    const claimed = arrived.filter((signed) => {
      const known = this.#view.byPeer.get(signed.record.peer)
      return known === undefined || isNewer(signed, known) || this.#isOwnPast(signed)
    })
    // Each signature takes its time: more than a few wait, and one that is false ends the message.
    const news: SignedRecord[] = []
    for (const signed of claimed.slice(0, limits.recordsVerified)) {
      if (!rules.isGenuine(ring, signed)) {
        const detail = 'a member record with a false signature'
        say({ type: 'refused-input', to: signed.record.peer, detail })
        break
      }
      const known = this.#view.byPeer.get(signed.record.peer)
      // Its earlier store must not be forgotten here before it knows of it itself.
      const isOther = signed.record.peer !== identity.peer
      if (isOther && known !== undefined && rules.isFalselyNew(known.record, signed.record))
        this.#options.contradicted?.(known)
      else news.push(signed)
    }
    if (news.length === 0) return []
    await this.#adopt(news)
    const ours = news.find(({ record }) => record.peer === identity.peer)
    if (ours !== undefined) {
      const earlier = this.#restating.catch(() => undefined)
      this.#restating = this.#speakAbove(ours, earlier)
      await this.#restating
    }
    return news
  }

  /** Whether there is a record of this peer, and it is no member. */
  isGone(peer: PeerId): boolean {
    return this.#view.byPeer.has(peer) && !this.#shown.byPeer.has(peer)
  }

  /** A tab lets go of who is no member any more, by the word of one who is. Members know by themselves. */
  async forget(gone: readonly PeerId[]): Promise<void> {
    if (this.#options.memberRules === undefined) await this.#adopt([], gone)
  }

  /** Whether the ring has heard a later word of this very store than the store remembered when it was opened. */
  hasMovedOn(remembered: MemberRecord | undefined, generation: string): boolean {
    const later = this.ownRecord
    return later !== undefined && later !== remembered && this.#isOlderThan(later, generation)
  }

  /** Takes a new generation; undefined where this peer has none to take. */
  async renew(): Promise<string | undefined> {
    const generation = await this.#options.renew?.()
    this.#mayBeOld = false
    return generation
  }

  /**
   * The ring heard a later word of ours than we said: our disk is new, or it is not the only one of its name. One such
   * answer at a time, or each would take a generation of its own and the ring would hear of one. Two that live would
   * answer each other for ever, so one of them goes.
   */
  async #speakAbove(heard: SignedRecord, earlier: Promise<void>): Promise<void> {
    await earlier
    const own = this.#own
    if (own === undefined || this.#isDisplaced) return
    const isPast = this.#isOwnPast(heard)
    if (!isPast && !isNewer(heard, own)) return
    if (!isPast && this.#options.memberRules?.makesWay(own.record, heard.record)) {
      this.#isDisplaced = true
      this.#options.displaced?.()
      return
    }
    const statement = statementOf(own.record)
    const isOther = isPast && heard.record.generation !== statement.generation
    const isOld = !isOther && this.#isOlderThan(heard.record, statement.generation)
    const generation = (isOld && (await this.renew())) || statement.generation
    const readiness = this.#options.rules.readinessOf(statement.readiness, true)
    await this.state({ ...statement, generation, readiness })
  }

  /**
   * Whether this is the word of an earlier store of this peer, which believes that it never had one; or of this store, from
   * a time to which it was set back, and nobody told it so when it started.
   */
  #isOwnPast({ record }: SignedRecord): boolean {
    const own = this.#own?.record
    if (own === undefined || record.peer !== own.peer || own.readiness !== 'new') return false
    return record.generation !== own.generation || record.readiness !== 'new'
  }

  /**
   * Whether this later word of ours shows the store to be a copy, or set back: it has the store's generation, or one that
   * the store took later and has forgotten. What answers this very life is another's that lives, and shows nothing.
   */
  #isOlderThan(later: MemberRecord, generation: string): boolean {
    const isAnswer = this.#began > 0 && later.life?.after === this.#began
    return later.generation === generation || (this.#mayBeOld && !isAnswer)
  }

  /** One after another, each durable before it is shown. */
  #adopt(records: readonly SignedRecord[], gone: readonly PeerId[] = []): Promise<void> {
    const turn = this.#afterOthers(records, gone, this.#saving)
    this.#saving = turn.catch(() => undefined)
    return turn
  }

  async #afterOthers(
    records: readonly SignedRecord[],
    gone: readonly PeerId[],
    others: Promise<void>,
  ): Promise<void> {
    await others
    const next = receive(this.#view, records, gone)
    if (next === this.#view) return
    const write = { key: storageKeys.members, value: encode(storedTable, next.members) }
    const { storage, troubles } = this.#options
    const save = (): Promise<void> =>
      storage.update([], () => ({ writes: [write], result: undefined }))
    await troubles.watch('table', save)
    this.#view = next
    for (const signed of records) this.#learn(signed)
    this.show()
  }

  /** Lays the view out anew. */
  show(): void {
    const { layOut, heard, say, adopted } = this.#options
    const before = this.#shown
    this.#shown = layOut?.(this.#view) ?? this.#view
    heard?.()
    if (this.#shown.digest === before.digest) return
    const { members, digest } = this.#shown
    say({ type: 'view', detail: `${members.length} members ${digest}` })
    adopted(this.#shown)
  }

  #learn({ record }: SignedRecord): void {
    if (record.peer !== this.#options.identity.peer) {
      this.#options.transport.learn(record.peer, record.addresses)
    }
  }
}

function statementOf({
  version: _,
  peer: _peer,
  life: _life,
  ...statement
}: MemberRecord): OwnStatement {
  return statement
}
