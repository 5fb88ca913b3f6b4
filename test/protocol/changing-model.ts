/**
 * A model of a ring that changes: one partition, peers that hear of each other late, and nothing else.
 *
 * What peers know, how they vote and what follows is the product's own code. What a member does about it is modelled in a
 * few lines: it stores a strict write, tells what it holds to whoever gains, answers a strict read. A run is a
 * random interleaving of such steps; a strict read that misses what was acknowledged before it began is a violation.
 * Clauses can be left out one by one, to see that each is needed.
 */
import { toHex } from '../../src/data/bytes.ts'
import { changingRules, type ChangingRules } from '../../src/protocol/changing-rules.ts'
import { type Facts, heard, noFacts, mergedFacts } from '../../src/protocol/facts.ts'
import { allOwners, ownerLists, type OwnerLists, ownersDigest } from '../../src/protocol/lists.ts'
import { rules } from '../../src/protocol/rules.ts'
import { type Alteration, makeRoster, seatOf } from '../../src/protocol/seats.ts'
import { jointChange, type Situation, situationOf } from '../../src/protocol/situation.ts'
import { type ChangeId, changeKind, stepKind, type Vote } from '../../src/protocol/statement.ts'
import type { MemberRecord, RingIdentity } from '../../src/protocol/view.ts'
import { sameVotes, stepDue, votesOf } from '../../src/protocol/voting.ts'
import { courseFor, oneRing, recordFor, seatFor, unsigned } from './statements.ts'

/** What a run leaves out. */
export interface Omissions {
  readonly rules?: Partial<ChangingRules>
  /** Answers count whatever lists their givers see. */
  readonly countsAll?: boolean
  /** Who gains is told by owners that have not taken up the change. */
  readonly tellsEarly?: boolean
  /** Who gains answers before it is filled. */
  readonly answersUnfilled?: boolean
  /** A quorum by the ring that stands is enough for a put, or for a get. */
  readonly putsByOne?: boolean
  readonly getsByOne?: boolean
  /** What was told for one change counts for another that leads to the same ring. */
  readonly tellsForAll?: boolean
  /** What an owner told counts although it has lost its disk since. */
  readonly tellsForEver?: boolean
  /** Who has lost its disk goes on to vote as if it knew how it had voted. */
  readonly votesAgain?: boolean
}

export interface Outcome {
  readonly violation: string | undefined
  readonly completed: number
  readonly withdrawn: number
  readonly puts: number
  readonly gets: number
  readonly losses: number
}

interface Peer {
  readonly name: string
  facts: Facts
  records: Map<string, MemberRecord>
  data: Set<number>
  /** By change, and '' for a lost disk: who has told all it holds, and from which store. */
  told: Map<string, Map<string, string>>
  filled: Map<ChangeId, string>
  /** Changes that it may have voted on before it lost its disk, and who has told it since what he had heard of that. */
  lostVotes: Map<ChangeId, Set<string>>
  withdraws: Set<ChangeId>
  situation: Situation | undefined
}

interface Strict {
  readonly kind: 'put' | 'get'
  readonly write: number
  readonly lists: OwnerLists
  readonly digest: string
  readonly asked: Set<string>
  readonly counted: Set<string>
  readonly seen: Set<number>
  /** What was acknowledged when a get began. */
  readonly must: ReadonlySet<number>
}

const mostRunning = 5

/** How often each step is taken; a run draws for each whether that is more or less (bugs hide in the corners of a mix). */
const often = {
  gossip: 40,
  speak: 50,
  tell: 50,
  propose: 3,
  go: 2,
  return: 8,
  lose: 2,
  refill: 10,
  withdraw: 1,
  put: 16,
  get: 16,
  answer: 60,
}

/** The same numbers for the same seed. */
export function chanceOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

export class Model {
  readonly #chance: (below: number) => number
  readonly #omitted: Omissions
  readonly #rules: ChangingRules
  readonly #identity: RingIdentity
  readonly #peers: Peer[]
  readonly #weights: Readonly<Record<keyof typeof often, number>>
  readonly #sum: number
  readonly #absent = new Set<string>()
  readonly #settled = new Map<number, string>()
  readonly #fates = new Map<ChangeId, string>()
  #running: Strict[] = []
  #acknowledged = new Set<number>()
  #writes = 0
  #versions = 1
  #losses = 0
  #gets = 0
  #violation: string | undefined

  constructor(seed: number, omitted: Omissions = {}) {
    this.#chance = chanceOf(seed)
    this.#omitted = omitted
    this.#rules = { ...changingRules, ...omitted.rules }
    const drawn = Object.entries(often).map(([kind, weight]) => {
      return [kind, weight * this.#pick([1, 4, 4, 4, 16])] as const
    })
    this.#weights = Object.fromEntries(drawn) as Record<keyof typeof often, number>
    this.#sum = drawn.reduce((sum, [, weight]) => sum + weight, 0)
    const n = this.#pick([3, 3, 3, 3, 3, 3, 2, 5])
    this.#identity = { ...oneRing, n, durableOwners: n }
    const names = Array.from({ length: n + 2 }, (_, at) => `peer ${at}`)
    const sitting = names.slice(0, this.#pick([n, n, n, n + 1, Math.max(1, n - 1)]))
    const roster = makeRoster(
      1,
      sitting.map((peer) => seatFor(peer)),
    )
    const said = {
      by: names[0]!,
      change: '',
      base: '',
      number: 1,
      alterations: [],
      roster: roster.id,
    }
    const facts = heard(noFacts, { settled: { roster, step: unsigned(stepKind, said) } })
    this.#peers = names.map((name) => ({
      name,
      facts,
      records: new Map(names.map((each) => [each, recordFor(each)])),
      data: new Set(),
      told: new Map(),
      filled: new Map(),
      lostVotes: new Map(),
      withdraws: new Set(),
      situation: undefined,
    }))
  }

  run(steps: number): Outcome {
    for (let step = 0; step < steps && this.#violation === undefined; step++) this.#step()
    const fates = [...this.#fates.values()]
    return {
      violation: this.#violation,
      completed: this.#settled.size,
      withdrawn: fates.filter((fate) => fate === 'withdrawn').length,
      puts: this.#acknowledged.size,
      gets: this.#gets,
      losses: this.#losses,
    }
  }

  #step(): void {
    const peer = this.#pick(this.#peers)
    switch (this.#draw()) {
      case 'gossip':
        if (this.#chance(3) > 0) return this.#gossip(peer, this.#pick(this.#peers))
        return this.#peers.forEach((other) => this.#gossip(peer, other))
      case 'speak':
        return this.#speak(peer)
      case 'tell':
        return this.#tell()
      case 'propose':
        return this.#propose(peer)
      case 'go':
        return void this.#absent.add(peer.name)
      case 'return':
        return this.#absent.clear()
      case 'lose':
        return this.#loseDisk(peer)
      case 'refill':
        return this.#refill(peer)
      case 'withdraw':
        return this.#withdraw(peer)
      case 'put':
        return this.#begin('put', peer)
      case 'get':
        return this.#begin('get', peer)
      case 'answer':
        if (this.#running.length > 0) this.#answer(this.#pick(this.#running))
    }
  }

  #draw(): keyof typeof often {
    let left = this.#chance(this.#sum)
    return (Object.keys(often) as (keyof typeof often)[]).find((kind) => {
      left -= this.#weights[kind]
      return left < 0
    })!
  }

  #gossip(from: Peer, to: Peer): void {
    if (this.#absent.has(from.name) || this.#absent.has(to.name)) return
    this.#learn(to, mergedFacts(to.facts, from.facts))
    for (const told of to.lostVotes.values()) told.add(from.name)
    for (const [name, record] of from.records) {
      if (record.version > to.records.get(name)!.version) this.#note(to, record)
    }
  }

  /** Says what it now has to say: its votes, and that a change is completed. */
  #speak(peer: Peer): void {
    if (this.#absent.has(peer.name)) return
    const situation = this.#of(peer)
    const own = peer.records.get(peer.name)!
    const votes = votesOf(this.#rules, situation, peer.name, {
      mayVote: own.readiness === 'ready' || this.#omitted.votesAgain === true,
      mayHaveVoted: (change) => this.#mayHaveVoted(peer, change),
      filled: (change) => peer.filled.get(change),
      isAbsent: (author) => this.#absent.has(author) && this.#chance(30) === 0,
      withdraws: (change) => peer.withdraws.has(change),
    })
    const before = peer.facts.courses.get(peer.name)?.said.votes ?? []
    if (!sameVotes(before, votes)) this.#vote(peer, votes)
    const due = stepDue(this.#of(peer), peer.name)
    if (due === undefined || seatOf(this.#of(peer).roster, peer.name) === undefined) return
    const { roster } = due.change
    this.#learn(
      peer,
      heard(peer.facts, { settled: { roster, step: unsigned(stepKind, due.step) } }),
    )
  }

  /** One owner tells a peer that gains the partition all that it holds, if both have taken up the same change. */
  #tell(): void {
    const gainers = this.#peers.filter((each) => {
      const joint = jointChange(this.#rules, this.#of(each), each.name)
      return joint?.toFill.has(each.name) === true && !each.filled.has(joint.id)
    })
    if (gainers.length === 0) return
    const gainer = this.#pick(gainers)
    const situation = this.#of(gainer)
    const joint = jointChange(this.#rules, situation, gainer.name)!
    const owners = situation.ring.ownersOf(0)
    const chosen = this.#pick(owners)
    const teller = this.#peers.find(({ name }) => name === chosen)!
    if (this.#absent.has(teller.name) || this.#absent.has(gainer.name)) return
    const isJoint = this.#omitted.tellsEarly === true || this.#lists(teller) === this.#lists(gainer)
    const isReady = teller.records.get(teller.name)!.readiness === 'ready'
    if (!this.#rules.mayTell(isJoint, isReady)) return
    for (const write of teller.data) gainer.data.add(write)
    const told = this.#told(gainer, this.#omitted.tellsForAll === true ? 'any' : joint.id)
    told.set(teller.name, teller.records.get(teller.name)!.generation)
    const needed = this.#rules.tellersNeeded(this.#identity.n, owners.length)
    // What it holds itself counts as told, if it is an owner that has lost nothing.
    const own = gainer.records.get(gainer.name)!
    if (own.readiness === 'ready') told.set(gainer.name, own.generation)
    if (this.#tellers(gainer, told, owners) < needed) return
    gainer.filled.set(joint.id, own.generation)
  }

  #propose(author: Peer): void {
    const { roster, changes } = this.#of(author)
    if (this.#absent.has(author.name)) return
    const open = changes.filter(({ fate }) => fate === 'open')
    if (open.some(({ change }) => change.author === author.name)) return
    // Most wait until the one before is over.
    if (open.length > 0 && this.#chance(4) > 0) return
    const seat = seatOf(roster, author.name)
    if (seat !== undefined && roster.seats.length < 2) return
    const alteration: Alteration =
      seat === undefined
        ? { before: undefined, after: seatFor(author.name, roster.number) }
        : {
            before: seat,
            after: this.#chance(4) === 0 ? { ...seat, weight: 1 + this.#chance(3) } : undefined,
          }
    const attempt = this.#versions++
    const number = roster.number + 1
    const said = {
      author: author.name,
      base: roster.id,
      number,
      attempt,
      alterations: [alteration],
    }
    this.#learn(author, heard(author.facts, { changes: [unsigned(changeKind, said)] }))
  }

  #withdraw(author: Peer): void {
    for (const { id, change } of this.#of(author).changes) {
      if (change.author === author.name) author.withdraws.add(id)
    }
  }

  /** Its table goes as well: it hears from one or two others who it is, and speaks above what they remember. */
  #loseDisk(peer: Peer): void {
    if (this.#peers.some(({ name, records }) => records.get(name)!.readiness !== 'ready')) return
    this.#losses++
    peer.data = new Set()
    peer.told = new Map()
    peer.filled = new Map()
    peer.lostVotes = new Map()
    const others = this.#peers.filter((each) => each !== peer)
    const [one, two] = [this.#pick(others), this.#pick(others)]
    peer.situation = undefined
    peer.facts = mergedFacts(one.facts, two.facts)
    const own = peer.records.get(peer.name)!
    peer.records = new Map(one.records)
    const version = this.#versions++ + 1
    this.#note(peer, {
      ...own,
      version,
      generation: `${peer.name} ${version}`,
      readiness: 'refilling',
    })
  }

  /** Who has lost its disk is told by the other owners of each ring that stands, as they see the same lists. */
  #refill(peer: Peer): void {
    const own = peer.records.get(peer.name)!
    if (own.readiness === 'ready' || this.#absent.has(peer.name)) return
    const situation = this.#of(peer)
    const joint = jointChange(this.#rules, situation, peer.name)
    const rings = [situation.ring.ownersOf(0), joint?.ring.ownersOf(0) ?? []]
    const told = this.#told(peer, '')
    for (const name of rings.flat()) {
      const teller = this.#peers.find((each) => each.name === name)!
      const isReady = teller.records.get(name)!.readiness === 'ready'
      if (teller === peer || this.#absent.has(name) || !isReady) continue
      if (this.#lists(teller) !== this.#lists(peer) || this.#chance(3) === 0) continue
      for (const write of teller.data) peer.data.add(write)
      told.set(name, teller.records.get(name)!.generation)
    }
    const open = situation.changes.filter(({ fate }) => fate === 'open')
    const isKnown = open.length === 0 || (open.length === 1 && joint === open[0])
    const isWhole = rings.every((owners) => {
      if (!owners.includes(peer.name)) return true
      return this.#tellers(peer, told, owners) >= rules.sourcesNeeded(this.#identity.n)
    })
    if (!isKnown || !isWhole) return
    for (const { id } of open) peer.lostVotes.set(id, new Set())
    this.#note(peer, { ...own, version: this.#versions++ + 1, readiness: 'ready' })
  }

  #begin(kind: Strict['kind'], peer: Peer): void {
    const write = kind === 'put' ? ++this.#writes : 0
    const must = new Set(this.#acknowledged)
    const common = { kind, write, must, asked: new Set<string>(), counted: new Set<string>() }
    const lists = this.#ownersSeenBy(peer)
    // Somebody gives up at last.
    if (this.#running.length >= mostRunning) this.#running.splice(this.#chance(mostRunning), 1)
    this.#running.push({ ...common, lists, digest: this.#lists(peer), seen: new Set() })
  }

  /** An owner stores, or reads, and says which lists it sees: after it has stored, before it has read. */
  #answer(request: Strict): void {
    const { kind, lists, asked, counted, seen } = request
    const left = allOwners(lists).filter((name) => !asked.has(name) && !this.#absent.has(name))
    if (left.length === 0) return
    const chosen = this.#pick(left)
    const peer = this.#peers.find(({ name }) => name === chosen)!
    asked.add(peer.name)
    if (kind === 'put') peer.data.add(request.write)
    else for (const write of peer.data) seen.add(write)
    const agrees = this.#omitted.countsAll === true || this.#lists(peer) === request.digest
    if (agrees && peer.records.get(peer.name)!.readiness === 'ready') counted.add(peer.name)
    const isGainer = !lists.now.includes(peer.name)
    const isFilled = lists.next !== undefined && peer.filled.has(lists.next.change)
    if (isGainer && !isFilled && this.#omitted.answersUnfilled !== true) counted.delete(peer.name)
    if (this.#isMet(request)) this.#finish(request)
  }

  #isMet({ kind, lists: { now, next }, counted }: Strict): boolean {
    const needed = Math.floor(this.#identity.n / 2) + 1
    const count = (owners: readonly string[]): number =>
      owners.filter((each) => counted.has(each)).length
    const byOne = kind === 'put' ? this.#omitted.putsByOne : this.#omitted.getsByOne
    if (count(now) < needed) return false
    return next === undefined || byOne === true || count(next.owners) >= needed
  }

  #finish(request: Strict): void {
    this.#running = this.#running.filter((each) => each !== request)
    if (request.kind === 'put') this.#acknowledged.add(request.write)
    else this.#gets++
    if (request.kind === 'put') return
    const missed = [...request.must].filter((write) => !request.seen.has(write))
    if (missed.length > 0)
      this.#violation = `a strict get missed ${missed.length} acknowledged puts`
  }

  #mayHaveVoted(peer: Peer, change: ChangeId): boolean {
    const told = peer.lostVotes.get(change)
    if (told === undefined || this.#omitted.votesAgain === true) return false
    return this.#of(peer).roster.seats.some(
      (seat) => seat.peer !== peer.name && !told.has(seat.peer),
    )
  }

  #vote(peer: Peer, votes: readonly Vote[]): void {
    const known = peer.facts.courses.get(peer.name)?.said.version ?? 0
    const version = Math.max(known, this.#versions++) + 1
    const join = peer.facts.courses.get(peer.name)?.said.join ?? 0
    this.#learn(
      peer,
      heard(peer.facts, { courses: [courseFor(peer.name, version, votes, { join })] }),
    )
  }

  /** Of two changes from one roster one is completed, and none is both completed and withdrawn: whoever looks. */
  #learn(peer: Peer, facts: Facts): void {
    if (facts === peer.facts) return
    peer.facts = facts
    peer.situation = undefined
    const { roster, changes } = this.#of(peer)
    const known = this.#settled.get(roster.number)
    if (roster.number > 1) this.#settled.set(roster.number, roster.id)
    if (known !== undefined && known !== roster.id)
      this.#violation = 'two changes from one roster were completed'
    for (const { id, fate } of changes) {
      const before = this.#fates.get(id)
      if (fate === 'open') continue
      if (before !== undefined && before !== fate)
        this.#violation = 'a change was completed and withdrawn'
      this.#fates.set(id, fate)
    }
  }

  #note(peer: Peer, record: MemberRecord): void {
    peer.records = new Map(peer.records).set(record.peer, record)
    peer.situation = undefined
  }

  #of(peer: Peer): Situation {
    return (peer.situation ??= situationOf(this.#rules, this.#identity, peer.records, peer.facts))
  }

  #ownersSeenBy(peer: Peer): OwnerLists {
    const situation = this.#of(peer)
    const joint = jointChange(this.#rules, situation, peer.name)
    return ownerLists(0, situation.ring, joint && { change: joint.id, ring: joint.ring })
  }

  #lists(peer: Peer): string {
    const recordOf = (name: string): MemberRecord => peer.records.get(name)!
    return toHex(ownersDigest(this.#ownersSeenBy(peer), recordOf, rules.listsDigest))
  }

  #told(peer: Peer, name: string): Map<string, string> {
    const told = peer.told.get(name) ?? new Map<string, string>()
    peer.told.set(name, told)
    return told
  }

  #tellers(peer: Peer, told: ReadonlyMap<string, string>, owners: readonly string[]): number {
    return owners.filter((name) => {
      const { generation, readiness } = peer.records.get(name)!
      if (!told.has(name)) return false
      if (this.#omitted.tellsForEver === true) return true
      return told.get(name) === generation && readiness === 'ready'
    }).length
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#chance(from.length)]!
  }
}
