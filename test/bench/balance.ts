/**
 * How even the ring is and how much moves when it changes, beside the paper's strategies (§6.2, Figure 8) in the same run.
 *
 * One ring of one set of names is an anecdote: each figure is taken over several, whose names and tokens a seed draws. All
 * are asked the same: N = 3, and members that weigh the same, each on a host of its own. Weights, hosts
 * and zones are measured by themselves (`uneven.ts`). What `balance` and `moved` mean stands in `division.ts`.
 */
import { makeRing, type RingMember } from '../../src/data/ring.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import {
  balanceOf,
  type Changes,
  divisionOf,
  joinOf,
  leaveOf,
  lightestOf,
  type Movement,
  movedIn,
} from './division.ts'
import { strategies, type Trial } from './strategies.ts'

export interface Figures {
  /** The mean over all draws. */
  readonly balance: number
  /** Undefined where nothing has to move, as where those who stay own everything. */
  readonly join: number | undefined
  readonly leave: number | undefined
}

type Strategy = keyof typeof strategies

export interface BalanceRow extends Figures, Readonly<Record<Strategy, Figures>> {
  readonly Q: number
  readonly S: number
  readonly draws: number
  /** The greater of `join` and `leave`. */
  readonly moved: number
  /** Of the draw where it was least even. */
  readonly lowestBalance: number
  /** In the mean, what the member that owns least has, over the mean load. */
  readonly lightest: number
  /** The balance of loads within one partition of each other: no table of whole partitions has more. */
  readonly most: number
}

export const partitions = [64, 256, 1024, 4096, 16384]
export const sizes = [3, 5, 10, 20, 30, 60, 100]
export const n = 3

/** A large ring takes its time, and differs less from the next. */
export function drawsFor(q: number): number {
  return Math.min(32, Math.max(8, 2 ** 16 / q))
}

/** So many different names, others in each draw. */
export function namesOf(count: number, draw: number): string[] {
  return Array.from({ length: count }, (_, i) => `member ${i} of draw ${draw}`)
}

export function plainMember(id: string): RingMember {
  return { id, class: 'durable', host: id, zone: '', weight: 1 }
}

export function measureBalance(q: number, s: number, draws = drawsFor(q)): BalanceRow {
  const trials = Array.from({ length: draws }, (_, draw) => trialOf(q, s, draw))
  const drawn = trials.map((trial) => drawnFrom(trial, ringChanges(trial)))
  const theirs = (strategy: Strategy): Figures =>
    figuresOf(trials.map((trial) => drawnFrom(trial, strategies[strategy](trial))))
  const ours = figuresOf(drawn)
  const share = (n * q) / s
  return {
    Q: q,
    S: s,
    draws,
    ...ours,
    moved: Math.max(ours.join ?? 0, ours.leave ?? 0),
    lowestBalance: Math.min(...drawn.map(({ balance }) => balance)),
    lightest: meanOf(drawn.map(({ lightest }) => lightest)),
    most: share / Math.ceil(share),
    strategy1: theirs('strategy1'),
    strategy2: theirs('strategy2'),
    strategy3: theirs('strategy3'),
  }
}

interface Drawn {
  readonly balance: number
  readonly lightest: number
  readonly join: Movement
  readonly leave: Movement
}

function trialOf(q: number, s: number, draw: number): Trial {
  const names = namesOf(s + 1, draw)
  const random = seededRandom(`balance ${draw}`)
  return { random, names: names.slice(0, s), newcomer: names[s]!, leaver: names[0]!, q, n }
}

function ringChanges({ names, newcomer, leaver, q }: Trial): Changes {
  const division = (ids: readonly string[]) =>
    divisionOf(makeRing({ n, q, durableOwners: n }, ids.map(plainMember)))
  return {
    now: division(names),
    joined: division([...names, newcomer]),
    left: division(names.filter((name) => name !== leaver)),
  }
}

function drawnFrom({ names: { length }, newcomer, leaver }: Trial, changes: Changes): Drawn {
  return {
    balance: balanceOf(changes.now, length),
    lightest: lightestOf(changes.now, length),
    join: joinOf(changes, newcomer, length + 1, n),
    leave: leaveOf(changes, leaver, length, n),
  }
}

function figuresOf(drawn: readonly Drawn[]): Figures {
  return {
    balance: meanOf(drawn.map(({ balance }) => balance)),
    join: movedIn(drawn.map(({ join }) => join)),
    leave: movedIn(drawn.map(({ leave }) => leave)),
  }
}

function meanOf(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length
}
