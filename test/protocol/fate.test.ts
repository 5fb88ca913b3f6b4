/**
 * What an entry says has become of a write, against a model that remembers every write: the entry never claims what is not
 * so, and it knows as long as it need not forget.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { covers, type Dot, nothingSeen, withDot } from '../../src/data/vector.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import {
  changeWrite,
  type EdgeCopy,
  edgeCopy,
  mintedAgain,
  noCopy,
  type OwnWrite,
  refreshed,
  shown,
  type Stage,
  stages,
  trimmed,
  withoutRefused,
  withQuorum,
  withWrite,
} from '../../src/protocol/copy.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { fateOf } from '../../src/protocol/fate.ts'
import { dotOfId, forgetsSome } from '../../src/protocol/receipt-id.ts'

const generation = 'AAAAAAAAAAAAAAAA'
const refusal = new RingletError('too-many-siblings', 'too many', { remedy: 'Merge them.' })

/** A write as the model remembers it. */
interface Truth {
  /** Earlier writes that this one has seen. */
  readonly seen: readonly string[]
  stage: Stage
  refused: boolean
  /** Nobody had seen it when this one took its place: it shares its fate. */
  replacedBy: string | undefined
}

class Device {
  held: EdgeCopy = noCopy
  readonly truths = new Map<string, Truth>()
  /** Dots by the id that their write was given. */
  readonly #ids = new Map<string, string>()
  readonly #sent = new Set<string>()
  #epochs = 0

  mint(seesAll: boolean): string {
    const context = seesAll ? shown(this.held).seen : nothingSeen
    const before = this.held.writes
    const next = withWrite(this.held, {
      context,
      value: makeValue(utf8('x'), 0),
      generation,
      takeEpoch: () => this.#epoch(),
      unsent: (own) => this.#isUnsent(own),
    })
    const own = next.writes.at(-1)!
    const id = own.ids[0]!
    const seen = before.filter(({ dot }) => covers(context, dot)).map((each) => this.#idOf(each))
    for (const each of before) {
      const covered = covers(context, each.dot) && each.stage === 'device'
      // Under a new name it is on its way as before.
      const stays = next.writes.some(({ ids }) => ids[0] === each.ids[0])
      if (covered && this.#isUnsent(each) && !stays)
        this.truths.get(this.#idOf(each))!.replacedBy = id
    }
    this.truths.set(id, { seen, stage: 'device', refused: false, replacedBy: undefined })
    this.#take(next)
    this.#ids.set(nameOf(own.dot), id)
    return id
  }

  send(at: number): void {
    const own = this.#pick(at, 'device')
    if (own !== undefined) this.#sent.add(nameOf(own.dot))
  }

  quorum(at: number): void {
    const own = this.#pick(at, 'device')
    if (own === undefined) return
    this.truths.get(this.#idOf(own))!.stage = 'quorum'
    this.#take(withQuorum(this.held, own.dot, { acks: [], hints: [] }))
  }

  everywhere(at: number): void {
    const own = this.#pick(at, 'quorum')
    if (own === undefined) return
    this.truths.get(this.#idOf(own))!.stage = 'everywhere'
    this.#take(changeWrite(this.held, own.dot, (each) => ({ ...each, stage: 'everywhere' })))
  }

  refuse(at: number): void {
    const own = this.#pick(at, 'device')
    if (own === undefined) return
    this.truths.get(this.#idOf(own))!.refused = true
    this.#take(withoutRefused(this.held, own.dot, refusal))
  }

  /** The owners' word, which has all own writes that are everywhere. */
  refresh(): void {
    const { writes, copy } = this.held
    const settled = writes.filter(({ stage }) => stage === 'everywhere')
    this.#take(refreshed(this.held, shown({ ...this.held, copy, writes: settled })))
  }

  abandon(): void {
    if (this.held.minter === undefined) return
    this.#take(mintedAgain(this.held, this.#epoch(), (own) => this.#isUnsent(own)))
  }

  restart(): void {
    this.held = decode(edgeCopy, encode(edgeCopy, this.held))
    // Nobody knows any more what was sent.
    for (const { dot } of this.held.writes) this.#sent.add(nameOf(dot))
  }

  /** How far this write is known to be by whoever knows everything; undefined if it was refused. */
  truthOf(id: string): Stage | undefined {
    const own = this.truths.get(id)!
    if (own.refused) return undefined
    if (own.replacedBy !== undefined) return this.truthOf(own.replacedBy)
    const later = [...this.truths].filter(([, truth]) => truth.seen.includes(id) && !truth.refused)
    const reached = later.map(([each]) => this.truthOf(each)).filter((stage) => stage !== undefined)
    return [own.stage, ...reached].toSorted((a, b) => stages.indexOf(b) - stages.indexOf(a))[0]
  }

  /** How far this write itself got, or the one that took its place unsent. */
  ownStageOf(id: string): Stage {
    const { stage, replacedBy } = this.truths.get(id)!
    return replacedBy === undefined ? stage : this.ownStageOf(replacedBy)
  }

  #take(next: EdgeCopy): void {
    for (const [i, own] of next.writes.entries()) {
      const before = this.held.writes[i]
      const moved = before !== undefined && nameOf(before.dot) !== nameOf(own.dot)
      if (moved && before.ids[0] === own.ids[0]) this.#ids.set(nameOf(own.dot), this.#idOf(before))
    }
    this.held = trimmed(next)
  }

  #idOf({ dot, ids }: OwnWrite): string {
    return this.#ids.get(nameOf(dot)) ?? ids[0]!
  }

  #isUnsent({ dot }: OwnWrite): boolean {
    return !this.#sent.has(nameOf(dot))
  }

  #epoch(): string {
    return `${generation}.${++this.#epochs}`
  }

  #pick(at: number, stage: Stage): OwnWrite | undefined {
    const some = this.held.writes.filter((own) => own.stage === stage)
    return some[at % Math.max(1, some.length)]
  }
}

function nameOf({ actor, counter }: Dot): string {
  return `${actor} ${counter}`
}

/** What the entry says of this id. */
function said(device: Device, id: string): Stage | 'refused' | undefined {
  const fate = fateOf(device.held, dotOfId(id)!)
  return fate?.kind === 'listed' ? fate.own.stage : fate?.kind
}

function rankOf(stage: Stage | 'refused' | undefined): number {
  return stages.indexOf(stage as Stage)
}

type Step = (device: Device) => unknown
const at = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.boolean().map(
      (all): Step =>
        (device) =>
          device.mint(all),
    ),
  },
  {
    weight: 2,
    arbitrary: at.map(
      (i): Step =>
        (device) =>
          device.send(i),
    ),
  },
  {
    weight: 3,
    arbitrary: at.map(
      (i): Step =>
        (device) =>
          device.quorum(i),
    ),
  },
  {
    weight: 3,
    arbitrary: at.map(
      (i): Step =>
        (device) =>
          device.everywhere(i),
    ),
  },
  at.map(
    (i): Step =>
      (device) =>
        device.refuse(i),
  ),
  fc.constant<Step>((device) => device.refresh()),
  fc.constant<Step>((device) => device.abandon()),
  fc.constant<Step>((device) => device.restart()),
)

describe('what has become of a write', () => {
  it('is never said to be more than it is, and is known', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const device = new Device()
        for (const each of steps) each(device)
        for (const id of device.truths.keys()) {
          const truth = device.truthOf(id)
          const claimed = said(device, id)
          if (truth === undefined) {
            expect(claimed).toBe('refused')
            continue
          }
          expect(rankOf(claimed)).toBeLessThanOrEqual(rankOf(truth))
          expect(rankOf(claimed)).toBeGreaterThanOrEqual(rankOf(device.ownStageOf(id)))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is everywhere once nothing lists it any more, also of an epoch that was left', () => {
    const device = new Device()
    const ids = [device.mint(true), device.mint(true), device.mint(false)]
    for (let i = 0; i < 3; i++) {
      device.quorum(0)
      device.everywhere(0)
    }
    expect(device.held.writes).toEqual([])
    expect(ids.map((id) => said(device, id))).toEqual(['everywhere', 'everywhere', 'everywhere'])
    device.abandon()
    device.restart()
    expect(ids.map((id) => said(device, id))).toEqual(['everywhere', 'everywhere', 'everywhere'])
    expect(fateOf(device.held, dotOfId(ids[0]!)!)).toMatchObject({ seen: nothingSeen })
  })

  it('is not known of what was never counted', () => {
    const device = new Device()
    device.mint(true)
    for (const id of [`${generation}.1:2`, `${generation}.2:1`, `${'B'.repeat(16)}.1:1`]) {
      expect(said(device, id)).toBeUndefined()
    }
    device.abandon()
    expect(said(device, `${generation}.1:2`)).toBeUndefined()
  })

  it('says of a settled write’s context no more than is sure', () => {
    const device = new Device()
    const id = device.mint(false)
    device.quorum(0)
    device.everywhere(0)
    const dot = dotOfId(id)!
    expect(fateOf(device.held, dot)).toEqual({
      kind: 'everywhere',
      seen: withDot(nothingSeen, dot),
    })
  })

  it('is not claimed where a write speaks for too many to name', () => {
    const device = new Device()
    const first = device.mint(false)
    const blind = device.mint(false)
    device.quorum(0)
    // Two chains in turn: their ids are never in a row.
    for (let i = 0; i < 300; i++) {
      const [one] = device.held.writes.filter(({ stage }) => stage === 'quorum')
      const context = withDot(one!.context, one!.dot)
      const next = (seen: typeof context) =>
        withWrite(device.held, {
          context: seen,
          value: makeValue(utf8('x'), 0),
          generation,
          takeEpoch: () => `${generation}.99`,
          unsent: () => true,
        })
      device.held = next(context)
      device.held = withQuorum(device.held, device.held.writes.at(-1)!.dot, { acks: [], hints: [] })
      device.held = next(nothingSeen)
    }
    expect(device.held.writes.some(({ ids }) => forgetsSome(ids))).toBe(true)
    expect(said(device, first)).toBeUndefined()
    expect(said(device, blind)).toBe('device')
  })

  it('of one that was refused is known to an epoch that is not forgotten, with the reason', () => {
    const device = new Device()
    const kept = device.mint(true)
    device.quorum(0)
    device.everywhere(0)
    const ids: string[] = []
    for (let i = 0; i < 16; i++) {
      ids.push(device.mint(true))
      device.refuse(0)
      device.restart()
    }
    expect(ids.map((id) => said(device, id))).toEqual(ids.map(() => 'refused'))
    expect(said(device, kept)).toBe('everywhere')
    expect(fateOf(device.held, dotOfId(ids[0]!)!)).toMatchObject({
      refusal: { code: 'too-many-siblings', message: 'too many', remedy: 'Merge them.' },
    })
    ids.push(device.mint(true))
    device.refuse(0)
    expect(said(device, ids[0]!)).toBeUndefined()
    expect(said(device, ids.at(-1)!)).toBe('refused')
  })

  it('is not claimed of an epoch in which more were refused than are remembered', () => {
    const device = new Device()
    const ids = Array.from({ length: 17 }, () => device.mint(false))
    for (const _ of ids) device.refuse(0)
    expect(said(device, ids[0]!)).toBeUndefined()
    expect(said(device, ids[1]!)).toBe('refused')
    expect(said(device, ids[16]!)).toBe('refused')
  })
})

describe('an entry', () => {
  it('that was written before there was a past has none', () => {
    const device = new Device()
    device.mint(true)
    const stored = encode(edgeCopy, device.held)
    // An empty past is two bytes, and that no write demands anything is one.
    expect(decode(edgeCopy, stored.slice(0, -3))).toEqual(device.held)
  })
})
