/**
 * Virtual time: a queue of events, of which one runs, then every promise it woke, then the next.
 *
 * Real timers would make a run slow and unrepeatable: a minute would take a minute, and two timers of one millisecond
 * would fire in either order. Here the clock jumps to the next event. Between two events lies one hop of the host's own
 * loop, for only that proves that no promise is left to run: an async function is always found waiting for a port, never
 * in the middle of a line, and so a crash between any two events is a crash at some await.
 */

export class Scheduler {
  readonly #queue = new EventQueue()
  #nowMs = 0
  #count = 0

  /** Virtual milliseconds since the run began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** How many events have run. */
  get events(): number {
    return this.#count
  }

  /** Runs `run` in `delayMs`, after all that was asked for the same moment earlier; the result cancels. */
  after(delayMs: number, run: () => void): () => void {
    const event = this.#queue.add(this.#nowMs + Math.max(0, delayMs), run)
    return () => {
      event.run = undefined
    }
  }

  /** Lets time pass until `untilMs`, or until `enough` says so after some event. Rejects if an event throws. */
  async run(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const step = (): void => {
        try {
          if (enough() || !this.#runNext(untilMs)) resolve()
          else hop(step)
        } catch (error) {
          reject(error as Error)
        }
      }
      hop(step)
    })
  }

  /** False when nothing is due by `untilMs`; time then stands there. */
  #runNext(untilMs: number): boolean {
    const event = this.#queue.takeDue(untilMs)
    if (event === undefined) {
      if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs)
      return false
    }
    this.#nowMs = event.timeMs
    this.#count++
    event.run!()
    return true
  }
}

interface QueuedEvent {
  readonly timeMs: number
  /** Breaks ties: first asked, first run. */
  readonly sequence: number
  /** Undefined once cancelled: it is skipped when its turn comes. */
  run: (() => void) | undefined
}

/** A binary heap: the earliest event is at the root. */
class EventQueue {
  readonly #heap: QueuedEvent[] = []
  #sequence = 0

  add(timeMs: number, run: () => void): QueuedEvent {
    const event = { timeMs, sequence: this.#sequence++, run }
    this.#heap.push(event)
    this.#rise(this.#heap.length - 1)
    return event
  }

  takeDue(untilMs: number): QueuedEvent | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.run !== undefined && first.timeMs > untilMs) return undefined
      this.#removeFirst()
      if (first.run !== undefined) return first
    }
    return undefined
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!
    if (this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink()
  }

  #rise(index: number): void {
    const heap = this.#heap
    const event = heap[index]!
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  #sink(): void {
    const heap = this.#heap
    const event = heap[0]!
    let index = 0
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, event)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = event
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence)
}

/** What Node offers and a page does not. */
const node = (globalThis as { process?: { nextTick?(run: () => void): void } }).process

/** A turn of the host's loop now and then, so that what it has to print or to hear is not starved. */
const turnEvery = 2000
let hops = 0

/**
 * Every promise that can run has run when `run` is called. Node empties its queue of promises before it looks at the
 * next tick, and a tick asked for by a promise is such a next one: a fifth of the cost of a turn of its loop.
 */
const hop: (run: () => void) => void =
  node?.nextTick === undefined
    ? hopThroughChannel()
    : (run) => {
        if (++hops % turnEvery === 0) setImmediate(run)
        else queueMicrotask(() => node.nextTick!(run))
      }

/** A page has no ticks, and its timers wait for four milliseconds. */
function hopThroughChannel(): (run: () => void) => void {
  const { port1, port2 } = new MessageChannel()
  let next: (() => void) | undefined
  port1.addEventListener('message', () => next?.())
  port1.start()
  return (run) => {
    next = run
    port2.postMessage(undefined)
  }
}
