/**
 * What receipts say once everything is healed, asked for by their ids alone: a write that is said to be everywhere is at
 * every owner, one that is said to be refused is at none, and none is unknown at the peer that gave it out.
 *
 * Most of those peers have been killed since, some many times; what they say comes from their disks or from the ring.
 */
import type { Receipt } from '../peer/api.ts'
import { MemberKeyed } from '../peer/member-keyed.ts'
import { keptRefusals } from '../protocol/past.ts'
import { describe, type Holding, type Holdings } from './checker.ts'
import type { Cluster } from './cluster.ts'
import type { Process } from './machine.ts'
import type { History, Operation } from './history.ts'
import { inspect } from './inspection.ts'
import type { Violation } from './violation.ts'

/** More than the longest pause before owners are asked again, and the time of a request. */
const patienceMs = 15_000
/** Where members take few requests at a time, hundreds of receipts come to their turn one after another. */
const crowdedMs = 90_000

interface Told {
  readonly operation: Operation
  readonly receipt: Receipt | undefined
  outcome: 'everywhere' | 'refused' | undefined
}

/**
 * Asks every peer for each receipt that it ever gave out, and says what is amiss. Of a run in which something else is
 * amiss already, receipts that take long are not waited for: some may never come.
 */
export async function checkReceipts(
  cluster: Cluster,
  isSound: boolean,
): Promise<readonly Violation[]> {
  const { scheduler, history, witness, reapings } = cluster
  const told = history.operations
    // Of a name that a disk gave out twice, what is said of one write may be true of the other.
    .filter(({ write }) => !witness.excused.has(write))
    .flatMap((operation) => ask(cluster, operation) ?? [])
  const isOver = (): boolean => told.every(({ outcome }) => outcome !== undefined)
  await scheduler.run(scheduler.nowMs + patienceMs, isOver)
  const isWaited = ({ operation, outcome }: Told): boolean => {
    return outcome === undefined && !reapings.isLetGo(operation.key, operation.write)
  }
  if (isSound && told.some(isWaited)) await scheduler.run(scheduler.nowMs + crowdedMs, isOver)
  const holdings = inspect(cluster)
  // A name that a disk gave out again when it was set back may stand for another write by now.
  const forgiven = cluster.witness.forgiven()
  // And of a write with two names one may be lost with its disks: it is kept by the other.
  const plain = told.filter(({ operation: { write } }) => {
    return !forgiven.has(write) && cluster.witness.dotsOf(write).size < 2
  })
  return plain.flatMap((each) => amiss(cluster, holdings, each))
}

/** Undefined where no receipt was given out, or its peer does not serve. */
function ask(cluster: Cluster, operation: Operation): Told | undefined {
  const { receipt: id, via } = operation
  const process = cluster.machines.find(({ name }) => name === via)?.process
  if (id === undefined || process?.keyed === undefined) return undefined
  const told: Told = { operation, receipt: found(process, id), outcome: undefined }
  told.receipt?.reached('everywhere').then(
    () => {
      told.outcome = 'everywhere'
    },
    () => {
      told.outcome = 'refused'
    },
  )
  return told
}

function found({ edge, keyed }: Process, id: string): Receipt | undefined {
  return keyed instanceof MemberKeyed ? keyed.receipts.find(id) : edge?.receipt(id)
}

function amiss(
  { history, reapings }: Cluster,
  holdings: Holdings,
  { operation, receipt, outcome }: Told,
): Violation[] {
  const owners = (holdings.get(operation.key) ?? []).filter(({ owner }) => owner)
  const violation = (text: string): Violation[] => [
    { promise: 'P1', key: operation.key, text: `the receipt of ${describe(operation)} ${text}` },
  ]
  if (receipt === undefined) {
    return forgets(history, operation) ? [] : violation(`is not found at ${operation.via}`)
  }
  // Of what was deleted and forgotten, or let go of, there may be nobody left to say so.
  const isForgotten = reapings.isLetGo(operation.key, operation.write)
  if (outcome === undefined && isForgotten) return []
  if (outcome === undefined) return violation(`stays at ${receipt.stage} though all is healed`)
  const has = (holding: Holding): boolean => seenAt(history, holding).has(operation.write)
  if (outcome === 'everywhere' && !isForgotten && !owners.every(has))
    return violation('says everywhere, and it is not')
  // Its writer may have written on as if it stood: so only the write itself counts, not who had seen it.
  const shows = (holding: Holding): boolean => valuesAt(history, holding).includes(operation.write)
  // Another attempt at the same write may have come through.
  const alone = !history.wasRetried(operation.write)
  if (outcome === 'refused' && alone && owners.some(shows))
    return violation('says refused, and somebody has it')
  return []
}

/** Of a key at which most writes are refused, a tab remembers the last few refusals, and claims nothing of the others. */
function forgets({ operations }: History, { via, key }: Operation): boolean {
  // Of a write that nobody waited for to the end the refusal may have come unheard.
  const refused = operations.filter((each) => {
    const mayBe = each.failure === 'too-many-siblings' || each.outcome === 'unknown'
    return each.via === via && each.key === key && mayBe
  })
  const heard = refused.some(({ failure }) => failure === 'too-many-siblings')
  return heard && refused.length > keptRefusals
}

/** The writes that a holder has, or that the writers of these had seen. */
function seenAt(history: History, holding: Holding): ReadonlySet<number> {
  return history.closure(valuesAt(history, holding))
}

function valuesAt(history: History, { state }: Holding): number[] {
  return state.siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
}
