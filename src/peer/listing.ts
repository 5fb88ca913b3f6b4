/**
 * Listing, coordinated: a page of the keys of one partition key, as R of its owners hold them.
 *
 * All keys of a partition key live on the same owners, so a listing is a get of many keys at once: each owner reads one
 * range of its store, the pages are merged, and owners that lack something are told in the background. A fallback has
 * some of the keys, those that were written while it stood in; its page would make the others look as if they were
 * not there, so it gives no answer to a listing, and without R owners there is none.
 */
import type { Digest } from '../data/hash.ts'
import { showKey } from '../data/key.ts'
import { checkNumbers, type ReadDemands } from '../protocol/demands.ts'
import { isPageOf, type Item, mergePages, type Page, type PageAsked } from '../protocol/listing.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { ownersOnly, placementOf } from '../protocol/placement.ts'
import { hostsOf } from '../protocol/quorum.ts'
import { prefixRange } from '../protocol/record.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import { fanout, quorumError } from './fanout.ts'
import type { Records } from './records.ts'
import { repair } from './repair.ts'
import {
  agree,
  isInDoubt,
  listsOf,
  ownStanding,
  saysAll,
  type Standing,
  weighStrictly,
  placementFor,
  ringQuotas,
} from './strict.ts'
import type { MemberWorld } from './world.ts'

/** A page, and whose it is: an owner's, or what R of them say together. */
export interface ListedPage extends Page {
  readonly owner: boolean
  /** How many of the R answers. */
  readonly missing: number
  /** Whether R owners made it that miss nothing. */
  readonly ready: boolean
}

interface PageAnswer extends Page, Standing {
  readonly peer: PeerId
  readonly owner: boolean
}

/** The first records are read few at a time, as each may be large; more at once while they are small. */
const fewestRead = 8
const mostRead = 256

/** Resolves with a page that R owners make together; rejects when they cannot be had. */
export async function list(
  world: MemberWorld,
  records: Records,
  asked: PageAsked,
  { r, strict = false }: ReadDemands,
): Promise<ListedPage> {
  const { prefix } = asked
  checkNumbers(world.rules, world.view().identity.n, strict ? { r } : {}, strict)
  const endMs = world.clock.elapsed() + world.limits.requestMs
  let { result, lists, own } = await listOnce(world, records, asked, { r, strict }, endMs)
  for (let attempt = 1; !result.met && lists !== undefined; attempt++) {
    if (!(await agree(world, lists, endMs, attempt))) break
    ;({ result, lists, own } = await listOnce(world, records, asked, { r, strict }, endMs))
  }
  const got = hostsOf(result.tally.acks)
  world.say({
    type: 'list',
    key: showKey(prefix),
    result: result.met ? 'ok' : 'lost',
    detail: `${got}/${r}`,
  })
  if (!result.met) throw quorumError('list', prefix, r, result)
  const { items, upTo, behind } = mergePages(result.answers)
  if (behind.size > 0) world.tasks.run('repair', repair(world, records, behind))
  return {
    items,
    upTo,
    missing: Math.max(0, r - got),
    owner: own !== undefined,
    ready: saysAll(world.rules, result, r),
  }
}

async function listOnce(
  world: MemberWorld,
  records: Records,
  asked: PageAsked,
  { r, strict = false }: ReadDemands,
  endMs: number,
) {
  const { self } = world
  const { prefix } = asked
  const placement = ownersOnly(placementFor(world, prefix.position, strict))
  const lists = strict ? listsOf(world, prefix.position) : undefined
  const question = { asked, lists: lists?.digest }
  const own = placement.owners.includes(self) ? await readOwn(world, records, question) : undefined
  const result = await fanout<PageAnswer>(world, placement, {
    label: 'list',
    endMs,
    needed: r,
    quotas: lists === undefined ? [] : ringQuotas(world, lists, r, 'get'),
    breadth: 'needed',
    own,
    weigh: (answer) => {
      if (lists !== undefined) return weighStrictly(world, lists, answer.peer, answer)
      return answer.owner ? 'counts' : { merges: false, why: 'no owner' }
    },
    send: (peer, deadlineMs) => askForPage(world, records, peer, question, deadlineMs),
  })
  return { result, lists, own }
}

/** What this peer holds itself: as many keys as fit into a page, one at least. */
export async function ownPage(
  world: MemberWorld,
  records: Records,
  asked: PageAsked,
): Promise<Page> {
  const { batchBytes, pageKeys } = world.limits
  const { from, to } = prefixRange(asked.prefix, asked.after)
  const items: Item[] = []
  let weight = 0
  let start = from
  for (let step = fewestRead; ; step = Math.min(2 * step, mostRead)) {
    const read = await records.range(start, to, step)
    for (const { key, object, bytes } of read) {
      const isFull = weight + bytes > batchBytes || items.length === pageKeys
      if (items.length > 0 && isFull) return { items, upTo: items.at(-1)!.key }
      // A record that is damaged or empty says nothing of its key.
      if (object.state.seen.size === 0) continue
      items.push({ key, state: object.state })
      weight += bytes
    }
    const last = read.at(-1)
    if (last === undefined || read.length < step) return { items, upTo: undefined }
    start = prefixRange(asked.prefix, last.key).from
  }
}

/** Answers for itself alone. */
export async function serveOwnPage(
  world: MemberWorld,
  records: Records,
  asked: PageAsked,
  lists?: Digest,
): Promise<ListedPage & Standing> {
  const { owners } = placementOf(world.view().ring, asked.prefix.position)
  const { agrees, ready, whole } = ownStanding(world, records, asked.prefix, lists)
  const page = await ownPage(world, records, asked)
  // The reading itself may have found records damaged: their keys would look as if they were not there.
  const isWhole = records.doubts.keys.every((key) => {
    return !key.text.startsWith(asked.prefix.text) || !isInDoubt(world, records, key)
  })
  return {
    ...page,
    owner: owners.includes(world.self),
    missing: 0,
    agrees,
    ready: ready && isWhole,
    whole: whole && isWhole,
  }
}

/** What is asked, and in a strict request the lists that it goes by. */
interface Question {
  readonly asked: PageAsked
  readonly lists: Digest | undefined
}

async function askForPage(
  world: MemberWorld,
  records: Records,
  peer: PeerId,
  { asked, lists }: Question,
  deadlineMs: number,
): Promise<PageAnswer | Failure> {
  if (peer === world.self) return (await readOwn(world, records, { asked, lists })) ?? diskFailure
  const { prefix, after } = asked
  const question: Request = { type: 'list', prefix, after, r: 1, direct: true, lists }
  const reply = await ask(world, peer, question, 'listed', { deadlineMs })
  if (isFailure(reply)) return reply
  const { items, upTo, owner, ready = true, agrees = false, whole = true } = reply
  return isPageOf(asked, reply) ? { peer, items, upTo, owner, ready, agrees, whole } : malformed
}

/** Undefined when this peer's disk cannot say. */
async function readOwn(
  world: MemberWorld,
  records: Records,
  { asked, lists }: Question,
): Promise<PageAnswer | undefined> {
  try {
    const page = await serveOwnPage(world, records, asked, lists)
    return { ...page, peer: world.self, owner: true }
  } catch {
    return undefined
  }
}

const diskFailure: Failure = { failed: true, why: 'disk', sent: false, refusal: undefined }
const malformed: Failure = { failed: true, why: 'malformed', sent: false, refusal: undefined }
