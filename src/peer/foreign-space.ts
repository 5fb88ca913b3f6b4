/**
 * How much room there is for what this peer keeps for others, and how much of it is taken.
 *
 * What a stand-in holds counts towards W, so none of it may ever be dropped for want of space; and of owners that stay
 * away for a week there may be more than the disk holds, until nothing is left for what is owned here. So there is a
 * bound, and at the bound what is *new* is refused: whoever asks turns to the next member.
 *
 * The count is kept in the step that writes a record with its marker, and made once at the start, by the scan that
 * derives what is owed: no write costs a look at anything but itself. What comes while the scan is under way is counted
 * apart, unless the scan has passed its place.
 */
import { type Bytes, compareBytes } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import type { Say } from '../protocol/event.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import { RingletError, StorageError } from '../protocol/errors.ts'
import { rules as defaultRules, type Rules } from '../protocol/rules.ts'
import type { Storage } from '../ports.ts'
import type { HintSpaceStatus } from './api.ts'
import type { Troubles } from './troubles.ts'

/** What one step makes of a record: what it weighs among the foreign ones before and after, by its stored key. */
export interface Weighed {
  readonly key: Key
  readonly place: Bytes
  readonly beforeBytes: number
  readonly afterBytes: number
}

/** A count under way. */
interface Counting {
  total: number
  /** The scan has passed all places up to here. */
  passed: Bytes | undefined
  /** What was written ahead of the scan, or where it just is. */
  readonly ahead: Map<string, { readonly place: Bytes; readonly bytes: number }>
}

type Governing = Pick<Rules, 'hasRoom' | 'bytesAfter' | 'bytesCounted'>

export class ForeignSpace {
  readonly #say: Say
  #rules: Governing = defaultRules
  #troubles: Troubles | undefined
  #limits: Pick<Limits, 'foreignBytes' | 'foreignShare' | 'unknownSpaceBytes'> = defaultLimits
  #bytes = 0
  #quotaBytes: number | undefined
  #isCounted = false
  #counting: Counting | undefined
  #refused = 0
  /** How much was refused last; until that fits, the room is full. */
  #lackingBytes: number | undefined

  constructor(say: Say) {
    this.#say = say
  }

  /** Whose rules and limits it follows, and where it says that it is full. */
  govern(rules: Rules, limits: Limits, troubles: Troubles): void {
    this.#rules = rules
    this.#limits = limits
    this.#troubles = troubles
  }

  get limitBytes(): number {
    const { foreignBytes, foreignShare, unknownSpaceBytes } = this.#limits
    return Math.min(
      foreignBytes,
      Math.floor(foreignShare * (this.#quotaBytes ?? unknownSpaceBytes)),
    )
  }

  get status(): HintSpaceStatus {
    const { limitBytes } = this
    return { usedBytes: Math.max(0, this.#bytes), limitBytes, refused: this.#refused }
  }

  /** Whether it is known how much there is: the scan of the start is over, and nothing has made it doubtful since. */
  get isCounted(): boolean {
    return this.#isCounted
  }

  /** Asks the store how large it is: a disk that fills up has less room for everybody. */
  async measure(storage: Storage): Promise<void> {
    this.#quotaBytes = (await storage.usage()).quotaBytes
    this.#look()
  }

  /** Whether this may be written; what takes no more than before may always be. */
  hasRoom({ beforeBytes, afterBytes }: Weighed): boolean {
    return this.#rules.hasRoom(this.#bytes, beforeBytes, afterBytes, this.limitBytes)
  }

  /** Notes that there was no room for this; called in the step that would have written it. */
  refuse({ key, beforeBytes, afterBytes }: Weighed): void {
    this.#refused++
    this.#lackingBytes = afterBytes - beforeBytes
    const { limitBytes } = this
    const detail = `${afterBytes - beforeBytes} bytes more than ${this.#bytes} of ${limitBytes}`
    this.#say({ type: 'hint-refused', key: showKey(key), detail })
    this.#troubles?.note('foreign space', fullSentence(limitBytes))
  }

  /** A step was decided that writes this. */
  note(weighed: Weighed): void {
    const { key, place, beforeBytes, afterBytes } = weighed
    if (beforeBytes === 0 && afterBytes === 0) return
    this.#bytes = this.#rules.bytesAfter(this.#bytes, beforeBytes, afterBytes)
    const counting = this.#counting
    if (counting !== undefined) {
      if (hasPassed(counting, place)) counting.total += afterBytes - beforeBytes
      else counting.ahead.set(key.text, { place, bytes: afterBytes })
    }
    this.#look()
  }

  /** It was not written after all, or nobody knows: then all is counted anew. */
  undo({ key, place, beforeBytes, afterBytes }: Weighed, error: unknown): void {
    const change = beforeBytes - afterBytes
    if (change === 0) return
    this.#bytes += change
    const counting = this.#counting
    const ahead = counting?.ahead.get(key.text)
    if (!(error instanceof StorageError) || error.outcome !== 'refused') {
      this.#isCounted = false
      this.#counting = undefined
    } else if (ahead !== undefined) {
      // A full disk must not keep the count from its end: nothing would be handed over, and the disk stay full.
      counting!.ahead.set(key.text, { place, bytes: ahead.bytes + change })
    } else if (counting !== undefined && hasPassed(counting, place)) {
      counting.total += change
    }
    this.#look()
  }

  /** A scan begins that will have each foreign record written, in the order of their places. */
  beginCount(): void {
    this.#counting = { total: 0, passed: undefined, ahead: new Map() }
  }

  /** The scan has had all of them written up to this place. */
  passTo(place: Bytes): void {
    const counting = this.#counting
    if (counting === undefined) return
    counting.passed = place
    for (const [name, each] of counting.ahead) {
      if (!hasPassed(counting, each.place)) continue
      counting.total += each.bytes
      counting.ahead.delete(name)
    }
  }

  /** Whether the count stands; false when something was written meanwhile of which nobody knows what became of it. */
  endCount(): boolean {
    const counting = this.#counting
    this.#counting = undefined
    if (counting === undefined) return false
    const ahead = [...counting.ahead.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    this.#bytes = this.#rules.bytesCounted(this.#bytes, counting.total + ahead)
    this.#isCounted = true
    this.#say({ type: 'hint-space', result: 'counted', detail: `${this.#bytes} bytes` })
    this.#look()
    return true
  }

  /** Room again for what was refused last? Or for all that there may be, if it was more than that. */
  #look(): void {
    const { limitBytes } = this
    if (this.#lackingBytes === undefined || limitBytes === 0) return
    const lackingBytes = Math.min(this.#lackingBytes, limitBytes)
    if (!this.#rules.hasRoom(this.#bytes, 0, lackingBytes, limitBytes)) return
    this.#lackingBytes = undefined
    this.#troubles?.over('foreign space')
    this.#say({ type: 'hint-space', result: 'has room again', detail: `${this.#bytes} bytes` })
  }
}

/** What a foreign write is refused with: no verdict on it, for the next member may have room. */
export function tooManyHints(key: Key, outcome: 'refused' | 'unknown' = 'refused') {
  return new RingletError(
    'too-many-hints',
    `${showKey(key)} would be kept for its owners here, and there is no room for more of that`,
    {
      outcome,
      remedy:
        'Start the owners that are down, so that they take what others keep for them, or ask another member.',
    },
  )
}

function fullSentence(limitBytes: number): string {
  return (
    `This peer keeps so much for owners that are away that it takes no more for them (${limitBytes} bytes): ` +
    'others have to stand in. It has room again once owners are back, or where `hintSpace` gives it more.'
  )
}

function hasPassed({ passed }: Counting, place: Bytes): boolean {
  return passed !== undefined && compareBytes(place, passed) <= 0
}
