/** Connections made of nothing, for the switchboard: dials take as long as told, and wires may be cut in silence. */
import { TransportError } from '../../src/protocol/errors.ts'
import type { Bytes } from '../../src/data/bytes.ts'
import type { Lanes, Pipe, PipeListener } from '../../src/adapters/link.ts'
import { Switchboard } from '../../src/adapters/switchboard.ts'
import type { Connection, Underlay } from '../../src/adapters/underlay.ts'
import { limits as defaultLimits, type Limits } from '../../src/protocol/limits.ts'

/** One end of a stream; what is sent comes out of the other, in a later turn. */
export class Wire implements Pipe {
  full = false
  /** Swallows what is sent and says nothing: a cut cable. */
  isCut = false
  delayMs = 0
  readonly sent: Bytes[] = []
  other: Wire | undefined
  #listener: PipeListener | undefined
  #early: Bytes[] = []
  #isClosed = false

  send(bytes: Bytes): void {
    this.sent.push(bytes)
    if (this.isCut || this.#isClosed) return
    const arrive = () => this.other?.receive(bytes)
    if (this.delayMs > 0) setTimeout(arrive, this.delayMs)
    else setImmediate(arrive)
  }

  receive(bytes: Bytes): void {
    if (this.isCut || this.#isClosed) return
    if (this.#listener === undefined) this.#early.push(bytes)
    else this.#listener.received(bytes)
  }

  listen(listener: PipeListener): void {
    this.#listener = listener
    const early = this.#early
    this.#early = []
    for (const bytes of early) queueMicrotask(() => this.receive(bytes))
    if (this.#isClosed) listener.closed('closed before')
  }

  drain(): void {
    this.full = false
    this.#listener?.drained()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener?.closed('closed here')
    const { other, isCut } = this
    if (!isCut) setTimeout(() => other?.close(), this.delayMs)
  }
}

export function wirePair(): [Wire, Wire] {
  const [a, b] = [new Wire(), new Wire()]
  a.other = b
  b.other = a
  return [a, b]
}

/** A pair of lanes, as both sides see them. */
export class Cable {
  readonly near: Readonly<Record<'foreground' | 'background', Wire>>
  readonly far: Readonly<Record<'foreground' | 'background', Wire>>

  constructor() {
    const [foreground, background] = [wirePair(), wirePair()]
    this.near = { foreground: foreground[0], background: background[0] }
    this.far = { foreground: foreground[1], background: background[1] }
  }

  get ends(): Wire[] {
    return [this.near, this.far].flatMap((lanes) => Object.values(lanes))
  }

  cut(): void {
    for (const wire of this.ends) wire.isCut = true
  }
}

export interface Dial {
  readonly from: string
  readonly to: string
  readonly cable: Cable
}

export class FakeNetwork {
  readonly limits: Limits
  readonly boards = new Map<string, Switchboard>()
  readonly problems: string[] = []
  /** Every connection that was made, in order. */
  readonly dials: Dial[] = []
  /** Those that whoever dialled them has not closed. */
  readonly unclosed = new Set<number>()
  /** How long a connection takes to make, and its bytes to travel. */
  connectMs: (from: string, to: string) => number = () => 0
  travelMs: (from: string, to: string) => number = () => 0
  /** Called when the lanes have been opened, before either side says hello. */
  whenOpened: (cable: Cable) => void = () => {}

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...defaultLimits, ...limits }
  }

  open(self: string): Switchboard {
    const onProblem = (problem: string) => void this.problems.push(problem)
    const board = new Switchboard(new FakeUnderlay(this, self), { limits: this.limits, onProblem })
    this.boards.set(self, board)
    return board
  }

  async connect(from: string, addresses: readonly string[]): Promise<Connection> {
    await pause(this.connectMs(from, addresses[0]!.slice(1)))
    const to = addresses.map((it) => it.slice(1)).find((it) => this.boards.get(it)?.gateIsOpen)
    if (to === undefined) throw new TransportError('unreachable', false, 'nobody is there')
    const cable = new Cable()
    for (const wire of Object.values(cable.near)) wire.delayMs = this.travelMs(from, to)
    for (const wire of Object.values(cable.far)) wire.delayMs = this.travelMs(to, from)
    const number = this.dials.push({ from, to, cable })
    this.unclosed.add(number)
    const hangUp = (lanes: Lanes) => () => {
      for (const wire of Object.values(lanes) as Wire[]) wire.close()
    }
    return {
      id: `${number}`,
      peer: to,
      address: `@${to}`,
      close: () => {
        this.unclosed.delete(number)
        hangUp(cable.near)()
      },
      open: async () => {
        this.boards.get(to)!.accept(from, `@${from}`, cable.far, hangUp(cable.far))
        this.whenOpened(cable)
        return cable.near
      },
    }
  }
}

class FakeUnderlay implements Underlay {
  readonly self: string
  readonly addresses: readonly string[]
  readonly #network: FakeNetwork

  constructor(network: FakeNetwork, self: string) {
    this.#network = network
    this.self = self
    this.addresses = [`@${self}`]
  }

  async connect(addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
    return Promise.race([this.#network.connect(this.self, addresses), aborted])
  }

  toPeer(_peer: string, addresses: readonly string[]): readonly string[] {
    return addresses
  }

  /** `@a` names the peer a; `?a` is where it is, without its name. */
  peerOf(address: string): string | undefined {
    return address.startsWith('@') ? address.slice(1) : undefined
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
