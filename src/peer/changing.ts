/**
 * Changing: what a member does about the ring's changes, its own and those of others.
 *
 * All that it decides is worked out from what it has heard (`protocol/voting`). Here it is said, made durable and passed
 * on: votes, completed changes, and the proposals that its application or an operator asks for. A proposal that was
 * withdrawn is made again after a while; who wants the ring to change has to want it for as long as it takes.
 */
import type { PeerId } from '../protocol/membership.ts'
import type { Reply } from '../protocol/message.ts'
import { type Alteration, type Seat, seatOf } from '../protocol/seats.ts'
import { isAllFilled, jointChange, type Situation, voteOf } from '../protocol/situation.ts'
import type { ChangeId, Course } from '../protocol/statement.ts'
import { evictionDue, removalsDue, sameVotes, stepDue, votesOf } from '../protocol/voting.ts'
import { ChangeGossip } from './change-gossip.ts'
import type { FactsTable } from './facts-table.ts'
import type { Filling } from './filling.ts'
import { single } from './tasks.ts'
import type { MemberWorld } from './world.ts'

/** What this peer wants of the ring: a seat like this one, or none. */
export type Wish = { readonly seat: Omit<Seat, 'peer' | 'join'> } | 'leave'

/**
 * Between a peer and a ring. `founding`: the ring's members were never changed, and everybody who says so is one.
 * `stranger`: the ring has no seat for it, and it asks for none.
 */
export type Standing =
  | 'founding'
  | 'joining'
  | 'seated'
  | 'leaving'
  | 'left'
  | 'evicted'
  | 'stranger'

/** What the rest of the member knows. */
export interface Around {
  /** Those whom this peer knows by their records, whether they are members or not. */
  acquaintances(): readonly PeerId[]
  /** Whether the ring has a record of this peer. */
  isKnown(): boolean
  /** Whether this store has lost nothing. */
  isWhole(): boolean
  /** Hears who is there. */
  hearAnybody(): Promise<void>
  /** Whether this peer keeps anything that it owes to others. */
  owes(): Promise<boolean>
}

/** More than a store says between two losses of its disk. */
const versionLeap = 2 ** 30

/** Half of the changes that are remembered from one roster. */
const mostWithdrawn = 32

export class Changing {
  readonly #world: MemberWorld
  readonly #facts: FactsTable
  readonly #filling: Filling
  readonly #around: Around
  #wish: Wish | undefined
  /** Whether this peer has begun to come into the ring. */
  #comes = false
  /** Changes on which this peer may have voted before it lost its disk, and who has told since what it had heard of that. */
  readonly #lostVotes = new Map<ChangeId, Set<PeerId>>()
  /** Since when, in awake time, somebody has been away, and a change of this peer's has been open. */
  readonly #awaySince = new Map<PeerId, number>()
  readonly #openSince = new Map<ChangeId, number>()
  readonly #left = Promise.withResolvers<void>()
  #proposeAfter = 0
  #workDue = 0
  readonly #work: () => void
  readonly #gossip: ChangeGossip

  constructor(world: MemberWorld, facts: FactsTable, filling: Filling, around: Around) {
    this.#world = world
    this.#facts = facts
    this.#filling = filling
    this.#around = around
    this.#work = single(world.tasks, 'changing', () => this.#turn())
    this.#gossip = new ChangeGossip(world, facts, {
      heard: () => this.soon(),
      compared: (peer) => {
        for (const told of this.#lostVotes.values()) told.add(peer)
      },
    })
  }

  tick(): void {
    const { clock, limits } = this.#world
    const now = clock.elapsed()
    if (this.#facts.isEmpty && this.#wish === undefined) return
    if (now >= this.#workDue) {
      this.#workDue = now + limits.gossipMs
      this.#work()
    }
    this.#gossip.tick()
  }

  /** Somebody compared tables of members with this peer: of changes it may not know that there are any. */
  met(peer: PeerId): void {
    this.#gossip.met(peer)
  }

  serve(body: Uint8Array): Promise<Reply> {
    return this.#gossip.serve(body)
  }

  /** Something was heard: what follows from it is said at the next tick. */
  soon(): void {
    this.#workDue = 0
  }

  /** From now on, until it is so or something else is wanted. */
  want(wish: Wish): void {
    if (JSON.stringify(wish) === JSON.stringify(this.#wish)) return
    this.#wish = wish
    this.#proposeAfter = 0
    this.soon()
  }

  /**
   * Before a joiner states itself: the ring must have closed its founding, or its word alone would make it an owner. Resolves
   * with true once it has, and knows that this peer is coming; with false where it has its place already.
   */
  async enter(forgetOwned: () => Promise<void>): Promise<boolean> {
    const { clock, limits } = this.#world
    const isSeated = (): boolean | undefined => this.isSeated
    // By what it remembers: it may have been sent away meanwhile.
    if (isSeated() === true) await this.#askOne()
    while (isSeated() !== true) {
      const answered = []
      for (const peer of this.#around.acquaintances()) {
        if (await this.#gossip.exchangeWith(peer)) answered.push(peer)
      }
      const founds = isSeated() === undefined && this.#around.isKnown()
      if (isSeated() === true || founds) return false
      this.#comes = true
      if (this.#facts.rules.forgetsOwned(this.isRemoved)) await forgetOwned()
      if (this.situation === undefined) await this.#begin()
      else await this.#vote(this.situation)
      for (const peer of answered) await this.#gossip.exchangeWith(peer)
      if (answered.length > 0 && isSeated() !== undefined) return true
      await new Promise<void>((resolve) => {
        clock.after(limits.gossipMs, resolve)
      })
      await this.#around.hearAnybody()
    }
    return false
  }

  async #askOne(): Promise<void> {
    for (const peer of this.#around.acquaintances()) {
      if (await this.#gossip.exchangeWith(peer)) return
    }
  }

  /** Resolves once this peer has left: nobody needs it or its store any more. */
  get left(): Promise<void> {
    return this.#left.promise
  }

  get situation(): Situation | undefined {
    return this.#facts.situation
  }

  /** How it stands between this peer and the ring. */
  get standing(): Standing {
    const { self } = this.#world
    const { settled, courses, removals } = this.#facts.facts
    const course = courses.get(self)?.said
    if (this.isRemoved) return removals.get(self)!.said.why
    if (this.#wish === 'leave' || course?.status === 'leaving') return 'leaving'
    if (settled === undefined) return 'founding'
    if (this.seat !== undefined) return 'seated'
    return course === undefined ? 'stranger' : 'joining'
  }

  /** This peer's seat; undefined where it has none. */
  get seat(): Seat | undefined {
    const { settled } = this.#facts.facts
    return settled && seatOf(settled.roster, this.#world.self)
  }

  /** Whether this peer has a seat by the settled roster; undefined while the ring is being founded. */
  get isSeated(): boolean | undefined {
    const { settled } = this.#facts.facts
    return settled && seatOf(settled.roster, this.#world.self) !== undefined
  }

  /** Whether this joining of the peer is over, so that only another one brings it back. */
  get isRemoved(): boolean {
    const { self } = this.#world
    const { courses, removals } = this.#facts.facts
    return this.isSeated !== true && removals.has(self) && !courses.has(self)
  }

  /** Whether it is over, or about to be, by the word of others: then what this peer holds is nobody's any more. */
  get isDismissed(): boolean {
    const { self } = this.#world
    const { courses, orders } = this.#facts.facts
    const join = courses.get(self)?.said.join ?? 0
    return (
      this.isRemoved || (this.isSeated === false && (orders.get(self)?.said.join ?? -1) >= join)
    )
  }

  /** Says that this member is to go, whether it answers or not. */
  async order(peer: PeerId): Promise<void> {
    const { self } = this.#world
    const seat = this.#facts.facts.settled && seatOf(this.#facts.facts.settled.roster, peer)
    const join = seat?.join ?? this.#facts.facts.courses.get(peer)?.said.join ?? 0
    this.#gossip.push(await this.#facts.order({ by: self, peer, join, why: 'evicted' }))
    this.soon()
  }

  /**
   * Before a store that lost something counts again: it may have voted on what is open, and has forgotten how. With one open
   * change it abstains, and goes by both rings from the start; with more it cannot know by which it went.
   */
  mayCount(): boolean | Promise<boolean> {
    const situation = this.situation
    const open = situation?.changes.filter(({ fate }) => fate === 'open') ?? []
    if (situation === undefined || open.length === 0) return true
    if (!this.#facts.rules.asksForVotes()) return true
    return open.length === 1 && this.#abstain(situation, open[0]!.id)
  }

  async #turn(): Promise<void> {
    const situation = this.situation
    if (situation === undefined) return this.#begin()
    // By its own word or by that of others.
    if (this.isRemoved) return this.#left.resolve()
    this.#look(situation)
    await this.#vote(situation)
    await this.#settle()
    await this.#dismiss()
    await this.#propose()
    await this.#take()
  }

  /** Nobody has said anything of a change yet: whoever wants one says so, and the founders close the founding. */
  async #begin(): Promise<void> {
    const { self } = this.#world
    const course: Course = {
      peer: self,
      join: 0,
      version: 1,
      status: 'joining',
      stands: 0,
      votes: [],
    }
    this.#gossip.push(await this.#facts.course(course))
  }

  /** Notes who is away, and how long changes have been open. */
  #look({ changes }: Situation): void {
    const { clock, links } = this.#world
    const now = clock.elapsed()
    for (const { id, change, toFill } of changes) {
      if (!this.#openSince.has(id)) this.#openSince.set(id, now)
      for (const peer of [change.author, ...toFill]) {
        if (!links.isSuspect(peer)) this.#awaySince.delete(peer)
        else if (!this.#awaySince.has(peer)) this.#awaySince.set(peer, now)
      }
    }
    for (const kept of [this.#openSince, this.#lostVotes]) {
      for (const id of kept.keys()) if (!changes.some((each) => each.id === id)) kept.delete(id)
    }
  }

  async #vote(situation: Situation): Promise<void> {
    const { self, clock, limits } = this.#world
    const now = clock.elapsed()
    const votes = votesOf(this.#facts.rules, situation, self, {
      mayVote: this.#facts.rules.mayVote(this.#around.isWhole()),
      mayHaveVoted: (change) => this.#mayHaveVoted(situation, change),
      filled: (change) => this.#filling.filledFor(change),
      isAbsent: (peer) => now - (this.#awaySince.get(peer) ?? now) > limits.awayMs,
      withdraws: (change) => {
        const each = situation.changes.find(({ id }) => id === change)
        return (
          each?.change.author === self &&
          !isAllFilled(this.#facts.rules, situation, each) &&
          now - (this.#openSince.get(change) ?? now) > limits.changeMs
        )
      },
    })
    const known = situation.facts.courses.get(self)?.said
    // Whoever has gone says no more, unless it comes anew.
    if (known === undefined && seatOf(situation.roster, self) === undefined && !this.#comes) return
    const course = this.#courseNow(situation, known)
    const isSame =
      known !== undefined &&
      known.join === course.join &&
      known.status === course.status &&
      known.stands === course.stands &&
      sameVotes(known.votes, votes)
    if (isSame || (known === undefined && votes.length === 0 && course.status === 'up')) return
    this.#gossip.push(await this.#facts.course({ ...course, votes }))
  }

  /** A vote that nobody has heard was none. Who has abstained in an earlier process asks anew. */
  #mayHaveVoted({ facts, roster }: Situation, change: ChangeId): boolean {
    const { self } = this.#world
    const hasAbstained = voteOf(facts.courses.get(self)?.said, change)?.ballot === 'abstained'
    if (hasAbstained && !this.#lostVotes.has(change)) this.#lostVotes.set(change, new Set())
    const told = this.#lostVotes.get(change)
    return told !== undefined && roster.seats.some(({ peer }) => peer !== self && !told.has(peer))
  }

  #courseNow({ facts, roster }: Situation, known: Course | undefined): Omit<Course, 'votes'> {
    const { self, random } = this.#world
    const seat = seatOf(roster, self)
    const removed = facts.removals.get(self)?.said.join ?? -1
    const join = seat?.join ?? Math.max(removed + 1, known?.join ?? 0)
    // Above what was said before a disk was lost, and may come late.
    const step = this.#lostVotes.size > 0 ? versionLeap : 0
    const version = (known?.version ?? 0) + step + 1 + Math.floor(random.fraction() * 1024)
    const wentOn = this.#wish === undefined && seat === undefined && known?.status === 'leaving'
    const goes = this.#wish === 'leave' || wentOn
    const status = goes ? 'leaving' : seat === undefined ? 'joining' : 'up'
    return { peer: self, join, version, status, stands: roster.number }
  }

  /** Durable before this peer counts: whoever forgets it again has lost its disk again. */
  async #abstain(situation: Situation, change: ChangeId): Promise<boolean> {
    this.#lostVotes.set(change, new Set())
    await this.#vote(situation)
    return (
      jointChange(this.#facts.rules, this.situation ?? situation, this.#world.self)?.id === change
    )
  }

  async #settle(): Promise<void> {
    const situation = this.situation!
    const { self, say } = this.#world
    const due = stepDue(situation, self)
    // Whoever comes to know of it later knows who sits there, not who sat there before.
    if (due === undefined || seatOf(due.change.roster, self) === undefined) return
    this.#gossip.push(await this.#facts.settle(due.step, due.change.roster))
    say({ type: 'view', result: 'completed', detail: `${due.step.number} ${due.step.change}` })
  }

  /** Carries out what was ordered, and closes the founding of a ring that somebody wants to change. */
  async #dismiss(): Promise<void> {
    const situation = this.situation!
    const { self } = this.#world
    const gone = removalsDue(situation, self)
    if (gone.length > 0) this.#gossip.push(await this.#facts.remove(gone))
    if (!this.#isFirst(situation) || this.#isBusy(situation)) return
    const { roster, facts } = situation
    const attempt = this.#attempt()
    const base = { author: self, base: roster.id, number: roster.number + 1, attempt }
    const isWanted = facts.settled === undefined && facts.courses.size + facts.orders.size > 0
    // Votes are kept for as long as their roster stands: where too many were for nothing, the same seats get a new one.
    if (isWanted || situation.changes.length >= mostWithdrawn) {
      this.#gossip.push(await this.#facts.propose({ ...base, alterations: [] }))
      return
    }
    const eviction = evictionDue(situation, self, attempt)
    if (eviction !== undefined) this.#gossip.push(await this.#facts.propose(eviction))
  }

  /** Proposes what this peer wants for itself, as long as it is not so. */
  async #propose(): Promise<void> {
    const situation = this.situation!
    const { clock, limits, random, self, say } = this.#world
    const { facts, roster } = situation
    const alteration = this.#alteration(situation)
    if (alteration === undefined || facts.settled === undefined || this.#isBusy(situation)) return
    if (clock.elapsed() < this.#proposeAfter) return
    this.#proposeAfter = clock.elapsed() + limits.gossipMs * (2 + 8 * random.fraction())
    const attempt = this.#attempt()
    const base = { author: self, base: roster.id, number: roster.number + 1, attempt }
    this.#gossip.push(await this.#facts.propose({ ...base, alterations: [alteration] }))
    say({ type: 'view', result: 'proposed', detail: String(base.number) })
  }

  #alteration({ facts, roster }: Situation): Alteration | undefined {
    const { self } = this.#world
    const before = seatOf(roster, self)
    const course = facts.courses.get(self)?.said
    if (this.#wish === undefined) return undefined
    if (this.#wish === 'leave') return before && { before, after: undefined }
    // Its course says which joining this is, and that it wants one: the others know it by that.
    if (before === undefined && course?.status !== 'joining') return undefined
    const after: Seat = { ...this.#wish.seat, peer: self, join: before?.join ?? course?.join ?? 0 }
    const isSo =
      before !== undefined &&
      Object.entries(after).every(([name, value]) => before[name as keyof Seat] === value)
    return isSo ? undefined : { before, after }
  }

  /** Whoever leaves goes once it keeps nothing any more that it owes. */
  async #take(): Promise<void> {
    const { facts, roster } = this.situation!
    const { self, view } = this.#world
    const course = facts.courses.get(self)?.said
    const isOut = facts.settled !== undefined && seatOf(roster, self) === undefined
    if (!isOut || course?.status !== 'leaving' || view().next !== undefined) return
    if (!this.#facts.rules.mayGo(await this.#around.owes())) return
    this.#wish = undefined
    this.#comes = false
    const left = { by: self, peer: self, join: course.join, why: 'left' as const }
    this.#gossip.push(await this.#facts.remove([left]))
  }

  /** Of all that could do the same one does it: the first durable member that answers and is not itself to go. */
  #isFirst({ facts, roster }: Situation): boolean {
    const { self, links } = this.#world
    const first = roster.seats.find(({ peer, join, class: kind }) => {
      const isOrdered = (facts.orders.get(peer)?.said.join ?? -1) >= join
      return kind === 'durable' && !isOrdered && (peer === self || !links.isSuspect(peer))
    })
    return first?.peer === self
  }

  #isBusy({ changes }: Situation): boolean {
    return changes.some(({ fate }) => fate !== 'withdrawn')
  }

  #attempt(): number {
    return 1 + Math.floor(this.#world.random.fraction() * 2 ** 40)
  }
}
