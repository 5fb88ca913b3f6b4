/**
 * What happened in a run, in order: a fingerprint of all of it, and the lines that a person would want to read.
 *
 * Two runs of one seed must do the same things at the same moments with the same bytes; if anything at all differs, the
 * fingerprints do. They cover every message, every durable write and every event, not only what a story shows.
 */
import type { Bytes } from '../data/bytes.ts'
import type { PeerEvent } from '../protocol/event.ts'
import type { Scheduler } from './scheduler.ts'

/** A line of the story: an event of a peer, a fault, or a client's operation. */
export interface Line {
  readonly atMs: number
  /** The peer or client that speaks; empty for the world's own doings. */
  readonly who: string
  readonly text: string
  /** `bucket/path` of the key concerned; undefined for what concerns all keys. */
  readonly key: string | undefined
}

export class Chronicle {
  readonly lines: Line[] = []
  readonly #scheduler: Scheduler
  readonly #nameOf: (peer: string) => string
  #high = 0x811c9dc5
  #low = 0x2545f491

  /** `nameOf` gives the short name that a story calls a peer by. */
  constructor(scheduler: Scheduler, nameOf: (peer: string) => string) {
    this.#scheduler = scheduler
    this.#nameOf = nameOf
  }

  /** 64 bits over everything so far. */
  get fingerprint(): string {
    return [this.#high, this.#low]
      .map((half) => (half >>> 0).toString(16).padStart(8, '0'))
      .join('')
  }

  /** Adds to the fingerprint alone. */
  note(what: string, bytes?: Bytes): void {
    this.#mix(Math.floor(this.#scheduler.nowMs * 1000))
    for (let i = 0; i < what.length; i++) this.#mix(what.charCodeAt(i))
    if (bytes === undefined) return
    // Of a large value every so many bytes will do, for it is a name and zeros.
    const step = bytes.length > 4096 ? 61 : 1
    for (let i = 0; i < bytes.length; i += step) this.#mix(bytes[i]!)
  }

  tell(who: string, text: string, key?: string): void {
    this.note(`${who} ${text}`)
    this.lines.push({ atMs: this.#scheduler.nowMs, who, text, key })
  }

  event(event: PeerEvent): void {
    const { peer, type, key, to, from, dot, result, detail } = event
    const words: string[] = [type]
    if (key !== undefined) words.push(key)
    if (dot !== undefined) words.push(`(${shortDot(dot)})`)
    if (from !== undefined) words.push(`from ${this.#nameOf(from)}`)
    if (to !== undefined) words.push(`→ ${this.#nameOf(to)}`)
    if (result !== undefined) words.push(result === 'ok' ? '✓' : `✗ ${result}`)
    if (detail !== undefined) words.push(this.#withNames(detail))
    this.tell(this.#nameOf(peer), words.join(' '), key)
  }

  #withNames(text: string): string {
    if (!text.includes('12D3Koo')) return text
    return text.replaceAll(/12D3Koo\w+/g, (peer) => this.#nameOf(peer))
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul(this.#low ^ (value + 0x9e3779b9), 0x85ebca6b) ^ (this.#high >>> 13)
  }
}

/** `generation.epoch counter`, with as much of the generation as a person needs. */
export function shortDot(dot: string): string {
  return dot.slice(0, 4) + dot.slice(dot.indexOf('.'))
}
