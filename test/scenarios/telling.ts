/**
 * Telling: what peers say of themselves, in a person's words.
 *
 * Peer ids, generations and epochs are drawn by chance and mean nothing to a reader, so a write is named by the letter
 * of the peer that minted it: (a,1) is the first that a minted of the key. When a took a fresh epoch, its next one is
 * (a',1); when a got a new disk, (a2,1).
 */
import { assert } from '../../src/data/assert.ts'
import { type Bytes, fromUtf8 } from '../../src/data/bytes.ts'
import type { ObjectState } from '../../src/data/siblings.ts'
import type { Dot, Seen } from '../../src/data/vector.ts'
import type { EventType, PeerEvent } from '../../src/protocol/event.ts'

/** A peer's event with the story's own names in it. */
interface Named {
  readonly who: string
  readonly key: string
  readonly to: string
  readonly dot: string
  readonly result: string | undefined
  readonly detail: string
}

type Tale = (event: Named) => string | undefined

/** What a story tells. Of what has no tale here it is silent. */
const tales: Partial<Record<EventType, Tale>> = {
  mint: ({ who, key, dot, result }) =>
    result === 'known'
      ? `${who} knows the request, which minted ${key} ${dot}`
      : `${who} mints ${key} ${dot}`,
  apply: ({ who, key, dot, result }) =>
    result === 'known' ? `${who} knows ${key} ${dot} already` : `${who} applies ${key} ${dot}`,
  'epoch-abandoned': ({ who, key, dot }) => `${who} abandons the epoch of ${key} ${dot}`,
  forward: ({ who, to, key, result }) => marked(`${who} → ${to} forward ${key}`, result),
  ask: ({ who, to, key, dot, detail, result }) =>
    marked(`${who} → ${to} ${detail} ${key} ${dot}`, result),
  replicate: ({ who, to, key, dot, detail, result }) =>
    marked(`${who} → ${to} replicate ${key} ${dot} ${detail}`, result),
  durable: ({ who, to, key, dot, detail, result }) =>
    marked(`${who} → ${to} sync ${key} ${dot} ${detail}`, result),
  get: ({ who, key, detail }) => `${who} reads ${key} ${detail.replace('acks', 'from')}`,
  hint: ({ who, key, detail }) =>
    `${who} owes ${key} to ${inOrder(detail.replace('owed to ', ''))}`,
  'hint-drained': ({ who, to, key }) => marked(`${who} → ${to} hand over ${key}`, 'ok'),
  'hint-dropped': ({ who, key }) => `${who} drops its copy of ${key}`,
  'hint-refused': ({ who, key, detail }) => `${who} has no room for ${key}: ${detail}`,
  'hint-space': ({ who, result }) => (result === 'counted' ? undefined : `${who} ${result}`),
  reaping: ({ who, key }) => `${who} has forgotten ${key} with all others`,
  shortened: ({ who, key, detail }) =>
    `${who} lets ${detail === '1 entries' ? '1 entry' : detail} of ${key} go`,
  reaped: ({ who, key }) => `${who} forgets ${key}`,
  repair: ({ who, to, key, result }) => marked(`${who} → ${to} repair ${key}`, result),
  exchange: ({ who, to, detail }) =>
    `${who} ↔ ${to} exchange ${detail === '1 keys' ? '1 key' : detail}`,
  readiness: ({ who, detail }) => `${who} says that it is ${detail}`,
  refill: ({ who, to, detail, result }) =>
    result === 'filled'
      ? filled(who, Number.parseInt(detail))
      : `${who} takes ${detail === '1 keys' ? '1 key' : detail} from ${to}`,
  view: ({ who, detail, result }) =>
    result === undefined
      ? undefined
      : `${who} has ${result} change ${detail.split(' ')[0]} of the ring`,
  doubt: ({ who, key }) => `${who} counts no more for ${key}`,
  'doubt-over': ({ who, key }) => `${who} counts for ${key} again`,
  everywhere: ({ who, key, dot }) => `${who} knows that all owners have ${key} ${dot}`,
  quarantined: ({ who, key }) => `${who} quarantines its record of ${key}`,
  forgery: ({ who, key, dot }) => `${who} holds two values of ${key} under ${dot}`,
  'task-failed': ({ who, detail }) => `${who} failed at ${detail}`,
}

/** Told where a script asks for it: what peers think of each other. */
const gossip: Partial<Record<EventType, Tale>> = {
  'refused-input': ({ who, detail }) => `${who} refuses: ${detail}`,
  started: ({ who }) => `${who} starts`,
  view: ({ who, detail }) => `${who} knows ${detail.replace(/ \S+$/, '')}`,
  suspect: ({ who, to }) => `${who} suspects ${to}`,
  trusted: ({ who, to }) => `${who} trusts ${to} again`,
  'link-up': ({ who, to }) => `${who} – ${to} is up`,
  'link-down': ({ who, to }) => `${who} – ${to} is down`,
}

export class Telling {
  /** Whether gossip and links are told too. */
  showsGossip = false
  readonly #lines: string[] = []
  readonly #nameOf: (peer: string) => string
  /** The generations that each peer had, and under each key the epochs of each generation, as they turned up. */
  readonly #generations = new Map<string, string[]>()
  readonly #epochs = new Map<string, string[]>()
  #silent = true

  constructor(nameOf: (peer: string) => string) {
    this.#nameOf = nameOf
  }

  /** What happens from here on is told; what comes before is how the ring came together. */
  begin(): void {
    this.#silent = false
  }

  /** The world's own doing. */
  world(text: string): void {
    this.line(`— ${text}`)
  }

  /** What comes next stands apart from what came before. */
  pause(): void {
    if (this.#lines.length > 0 && this.#lines.at(-1) !== '') this.#lines.push('')
  }

  line(text: string): void {
    if (!this.#silent) this.#lines.push(text.trimEnd())
  }

  event(event: PeerEvent): void {
    if (event.type === 'generation') return this.#generation(event)
    const named = this.#named(event)
    const told =
      tales[event.type]?.(named) ?? (this.showsGossip ? gossip[event.type]?.(named) : undefined)
    if (told !== undefined) this.line(told)
  }

  /** `(a,1)` */
  dot(key: string, { actor, counter }: Dot): string {
    return `(${this.#actor(key, actor)},${counter})`
  }

  /** `a:2 b:1`, and loose dots behind a plus: `a:2+4` */
  clock(key: string, seen: Seen): string {
    const entries = [...seen].map(
      ([actor, { upTo, loose }]) => `${this.#actor(key, actor)}:${[upTo, ...loose].join('+')}`,
    )
    return entries.toSorted().join(' ')
  }

  /** `green (a,1) | red (b,1)` */
  siblings(key: string, { siblings }: ObjectState): string {
    const told = siblings.map(({ dot, value }) => {
      return `${value.bytes === undefined ? 'deleted' : wordOf(value.bytes)} ${this.dot(key, dot)}`
    })
    return told.toSorted().join(' | ') || 'nothing'
  }

  /** Peer ids give way to letters. */
  names(text: string): string {
    return text.replaceAll(/12D3Koo\w+/g, (peer) => this.#nameOf(peer))
  }

  text(): string {
    return `${this.#lines.join('\n').trimEnd()}\n`
  }

  #generation({ peer, detail }: PeerEvent): void {
    const known = this.#generations.get(peer) ?? []
    this.#generations.set(peer, known)
    if (known.includes(detail!)) return
    known.push(detail!)
    if (known.length > 1) this.line(`${this.#nameOf(peer)} takes a new generation`)
  }

  #named({ peer, key, to, dot, result, detail }: PeerEvent): Named {
    const short = key?.split('/').at(-1) ?? ''
    const [actor, counter] = dot?.split(' ') ?? []
    return {
      who: this.#nameOf(peer),
      key: short,
      to: this.#nameOf(to ?? ''),
      dot: actor === undefined ? '' : this.dot(short, { actor, counter: Number(counter) }),
      result,
      detail: this.names(detail ?? ''),
    }
  }

  #actor(key: string, actor: string): string {
    const [generation, epoch] = actor.split('.')
    const [peer, stores] = this.#whose(generation!)
    const store = stores.indexOf(generation!) + 1
    const epochs = this.#epochs.get(`${key} ${generation}`) ?? []
    this.#epochs.set(`${key} ${generation}`, epochs)
    if (!epochs.includes(epoch!)) epochs.push(epoch!)
    return `${this.#nameOf(peer)}${store > 1 ? store : ''}${"'".repeat(epochs.indexOf(epoch!))}`
  }

  #whose(generation: string): [peer: string, generations: readonly string[]] {
    const found = [...this.#generations].find(([, known]) => known.includes(generation))
    assert(found !== undefined, 'a peer says its generation before it mints')
    return found
  }
}

/** Whoever gains nothing has nothing to say. */
function filled(who: string, partitions: number): string | undefined {
  if (partitions === 0) return undefined
  const number = partitions === 1 ? '1 partition' : `${partitions} partitions`
  return `${who} holds all of ${number} that it is to own`
}

/** A cart is no word. */
function wordOf(bytes: Bytes): string {
  const isWord = bytes.every((byte) => byte >= 32 && byte < 127)
  return isWord ? fromUtf8(bytes) : 'a cart'
}

/** Debts stand in the order of peer ids. */
export function inOrder(names: string): string {
  return names.split(' ').toSorted().join(' ')
}

const resultColumn = 44

function marked(text: string, result: string | undefined): string {
  const plain = text.replaceAll(/ +/g, ' ').trimEnd()
  return `${plain.padEnd(resultColumn)}${result === 'ok' ? '✓' : `✗ ${result}`}`
}
