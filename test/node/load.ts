/**
 * Load on a running ring, and the memory of what it acknowledged.
 *
 * So many writers are in flight at all times, each over the control port of whichever peer answers. Two writes in three
 * are of a key of their own; the third is the next of a chain under one key, each with the context of the one before. A
 * write that is acknowledged is remembered; what failed may be there or not. Between their writes the writers read what
 * was acknowledged to them: as R + W > N and a small ring has no fallbacks, it must be there.
 */
import { Agent, request } from 'node:http'

export interface Sums {
  acknowledged: number
  unknown: number
  refused: number
  read: number
}

/** Longer than any request of a peer. */
const patienceMs = 8000
/** A peer that failed is left alone for so long. */
const sulkMs = 500

export class Load {
  readonly sums: Sums = { acknowledged: 0, unknown: 0, refused: 0, read: 0 }
  /** What was read and not found, or found too old. */
  readonly violations: string[] = []
  readonly #controls: readonly string[]
  readonly #avoidUntil = new Map<string, number>()
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  /** Key → the value acknowledged last. */
  readonly #acknowledged = new Map<string, number>()
  readonly #prefix: string
  #writers: Promise<void>[] = []
  #going = false

  /** `prefix` tells the keys of this load from another's. */
  constructor(controls: readonly string[], prefix = '') {
    this.#controls = controls
    this.#prefix = prefix
  }

  /** Key → the number that was acknowledged last. */
  get acknowledged(): ReadonlyMap<string, number> {
    return this.#acknowledged
  }

  start(writers: number): void {
    this.#going = true
    this.#writers = Array.from({ length: writers }, (_, i) => this.#write(i))
  }

  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#writers)
  }

  /** Reads every key that was ever acknowledged, `inFlight` at a time. Resolves with how many there were. */
  async readBack(inFlight: number): Promise<number> {
    const keys = [...this.#acknowledged.keys()]
    let next = 0
    const reader = async (): Promise<void> => {
      while (next < keys.length) await this.#check(keys[next++]!)
    }
    await Promise.all(Array.from({ length: inFlight }, reader))
    return keys.length
  }

  close(): void {
    this.#agent.destroy()
  }

  async #write(writer: number): Promise<void> {
    const chain = `${this.#prefix}chain-${writer}`
    const keyOf = (n: number): string => `${this.#prefix}${writer}-${n}`
    let context: string | undefined
    for (let n = 1; this.#going; n++) {
      if (n % 3 > 0) {
        await this.#put(keyOf(n), n, undefined)
      } else {
        // Without knowing what came of the last, one must read again.
        context ??= (await this.#get(chain))?.context
        if (context !== undefined) context = await this.#put(chain, n, context)
      }
      if (n % 8 === 0) await this.#check(n % 16 === 0 ? chain : keyOf(n - 1))
    }
  }

  /** Resolves with the new context if it was acknowledged. */
  async #put(key: string, n: number, context: string | undefined): Promise<string | undefined> {
    const headers = context === undefined ? {} : { 'ringlet-context': context }
    const body = JSON.stringify({ n, padding: 'x'.repeat(100) })
    const answer = await this.#ask('PUT', key, headers, body)
    if (answer?.status === 200) {
      this.sums.acknowledged++
      this.#acknowledged.set(key, n)
      return answer.body.context as string
    }
    if (answer === undefined || answer.body.error?.outcome === 'unknown') this.sums.unknown++
    else this.sums.refused++
    return undefined
  }

  /** Undefined when no quorum answers. */
  async #get(key: string): Promise<{ context: string; highest: number } | undefined> {
    const answer = await this.#ask('GET', key, {}, undefined)
    if (answer === undefined || (answer.status !== 200 && answer.status !== 404)) return undefined
    const { context, siblings } = answer.body
    const highest = Math.max(0, ...siblings.map(({ value }: any) => value.n as number))
    return { context, highest }
  }

  /** A later write of a chain covers the ones before it: at least the last that was acknowledged must be there. */
  async #check(key: string): Promise<void> {
    const expected = this.#acknowledged.get(key)
    if (expected === undefined) return
    for (let tries = 0; tries < 40; tries++) {
      const got = await this.#get(key)
      if (got === undefined) {
        await pause(100)
        continue
      }
      this.sums.read++
      if (got.highest < expected) {
        this.violations.push(`${key}: ${expected} was acknowledged, ${got.highest} was read`)
      }
      return
    }
    if (!this.#going) this.violations.push(`${key}: it could not be read`)
  }

  async #ask(
    method: string,
    key: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<{ status: number; body: any } | undefined> {
    const control = this.#choose()
    try {
      return await this.#send(`${control}/buckets/load/keys/${key}`, method, headers, body)
    } catch {
      this.#avoidUntil.set(control, performance.now() + sulkMs)
      // All may be away: nobody gains from asking a thousand times a second.
      await pause(20)
      return undefined
    }
  }

  #choose(): string {
    const now = performance.now()
    const willing = this.#controls.filter((each) => (this.#avoidUntil.get(each) ?? 0) < now)
    const pool = willing.length > 0 ? willing : this.#controls
    return pool[Math.floor(Math.random() * pool.length)]!
  }

  #send(
    url: string,
    method: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<{ status: number; body: any }> {
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, timeout: patienceMs }
      const sending = request(url, options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('error', reject)
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode!, body: JSON.parse(text) })
          } catch (error) {
            reject(error as Error)
          }
        })
      })
      sending.on('timeout', () => sending.destroy(new Error('no answer')))
      sending.on('error', reject)
      sending.end(body)
    })
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
