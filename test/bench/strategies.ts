/**
 * The paper's three strategies to divide the key space (§6.2), as plainly as it tells them, to be measured beside the ring.
 *
 * 1. Each member draws T tokens, and a key belongs to the first N members found clockwise of it: a token that falls into a
 *    wide gap has much to do.
 * 2. The tokens stay, but the space is cut into Q equal parts, and one belongs to the first N members clockwise of its end.
 * 3. Q equal parts, of which each member has Q/S as its tokens; the N members are found clockwise as before. A newcomer
 *    steals tokens so that all have as many afterwards, and those of a leaver are dealt to the others.
 *
 * The paper compares them where members remember as much, and so do we: S × T is Q. Fewer tokens, which the paper has in
 * mind for the second, make it worse. In the third, the tokens are as many, the copies are not: where two tokens of one
 * member lie within N of each other, it keeps less, and it is chance who lies behind it. Here the tokens are dealt at random,
 * as the paper says of a leaver's; a hand that placed each of them with care would make the copies even too.
 */
import type { SeededRandom } from '../../src/simulation/random.ts'
import { type Changes, type Division, evenEnds } from './division.ts'

export interface Trial {
  readonly random: SeededRandom
  readonly names: readonly string[]
  readonly newcomer: string
  readonly leaver: string
  readonly q: number
  readonly n: number
}

export interface Token {
  /** From 0 to 1. */
  readonly at: number
  readonly name: string
}

export const strategies = {
  strategy1: (trial: Trial): Changes => changesOf(trial, tokenDivision),
  strategy2: (trial: Trial): Changes =>
    changesOf(trial, (tokens, n) => walkedDivision(tokens, n, trial.q)),
  strategy3: (trial: Trial): Changes => {
    const { random, names, newcomer, leaver, n } = trial
    const now = dealt(trial)
    const staying = names.filter((name) => name !== leaver)
    return {
      now: tableDivision(now, n),
      joined: tableDivision(stolen(now, names, newcomer, random.fork('join')), n),
      left: tableDivision(givenAway(now, staying, leaver, random.fork('leave')), n),
    }
  },
} as const

/** The first two strategies: who has which token depends on nobody else. */
function changesOf(
  { random, names, newcomer, leaver, q, n }: Trial,
  divide: (tokens: readonly Token[], n: number) => Division,
): Changes {
  const each = Math.max(1, Math.round(q / names.length))
  const tokens = [...names, newcomer].flatMap((name) => {
    const own = random.fork(name)
    return Array.from({ length: each }, (): Token => ({ at: own.fraction(), name }))
  })
  tokens.sort((a, b) => a.at - b.at)
  const without = (...gone: string[]) => tokens.filter(({ name }) => !gone.includes(name))
  return {
    now: divide(without(newcomer), n),
    joined: divide(tokens, n),
    left: divide(without(newcomer, leaver), n),
  }
}

/** Strategy 1. The part behind the last token goes round to the first. */
export function tokenDivision(tokens: readonly Token[], n: number): Division {
  const names = tokens.map(({ name }) => name)
  const owners = allClockwise(names, n)
  return { ends: [...tokens.map(({ at }) => at), 1], owners: [...owners, owners[0]!] }
}

/** Strategy 2. */
export function walkedDivision(tokens: readonly Token[], n: number, q: number): Division {
  const lists = allClockwise(
    tokens.map(({ name }) => name),
    n,
  )
  const ends = evenEnds(q)
  let next = 0
  const owners = ends.map((end) => {
    while (next < tokens.length && tokens[next]!.at < end) next++
    return lists[next % tokens.length]!
  })
  return { ends, owners }
}

/** Strategy 3, of whose token each part is. */
export function tableDivision(table: readonly string[], n: number): Division {
  return { ends: evenEnds(table.length), owners: allClockwise(table, n) }
}

/** From each place on, the first `n` different names, or all where they are fewer. */
function allClockwise(names: readonly string[], n: number): string[][] {
  const count = Math.min(n, new Set(names).size)
  return names.map((_, from) => clockwise(names, from, count))
}

function clockwise(names: readonly string[], from: number, count: number): string[] {
  const found: string[] = []
  for (let step = 0; found.length < count; step++) {
    const name = names[(from + step) % names.length]!
    if (!found.includes(name)) found.push(name)
  }
  return found
}

function dealt({ random, names, q }: Trial): string[] {
  const mixed = random.fork('names').shuffled(names)
  const hand = Array.from({ length: q }, (_, i) => mixed[i % mixed.length]!)
  return random.fork('table').shuffled(hand)
}

/** From whoever has most, one token at a time, until the newcomer has its part. */
export function stolen(
  table: readonly string[],
  names: readonly string[],
  newcomer: string,
  random: SeededRandom,
): string[] {
  const held = tokensOf(table, random.shuffled(names), random)
  const after = [...table]
  for (let left = Math.floor(table.length / (names.length + 1)); left > 0; left--) {
    after[extreme(held, (a, b) => a > b).places.pop()!] = newcomer
  }
  return after
}

/** To whoever has fewest, one token at a time. */
export function givenAway(
  table: readonly string[],
  staying: readonly string[],
  leaver: string,
  random: SeededRandom,
): string[] {
  const mixed = random.shuffled(staying)
  const held = tokensOf(table, [...mixed, leaver], random)
  const after = [...table]
  const others = new Map(mixed.map((name) => [name, held.get(name)!]))
  for (const place of held.get(leaver)!) {
    const heir = extreme(others, (a, b) => a < b)
    heir.places.push(place)
    after[place] = heir.name
  }
  return after
}

/** The places of each in the table, in any order. */
function tokensOf(
  table: readonly string[],
  names: readonly string[],
  random: SeededRandom,
): Map<string, number[]> {
  const held = new Map(names.map((name): [string, number[]] => [name, []]))
  for (const place of random.shuffled([...table.keys()])) held.get(table[place]!)!.push(place)
  return held
}

/** The first whose places no other's beat in number. */
function extreme(
  held: ReadonlyMap<string, number[]>,
  beats: (count: number, other: number) => boolean,
): { readonly name: string; readonly places: number[] } {
  let best: { name: string; places: number[] } | undefined
  for (const [name, places] of held) {
    if (best === undefined || beats(places.length, best.places.length)) best = { name, places }
  }
  if (best === undefined) throw new RangeError('there is nobody')
  return best
}
