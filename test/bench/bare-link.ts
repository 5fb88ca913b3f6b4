/**
 * A link to a member, stripped to what a flood needs: it greets as any peer does, and then takes whole batches of frames.
 *
 * What a real link does for each request, the promise, the deadline, the matching of its reply, costs about as much as the
 * member's refusal of it: a generator that had it all would be the first to give in.
 */
import { randomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { FrameReader, frameKind, headerBytes, writeFrame } from '../../src/adapters/frames.ts'
import { decodeGreeting, encodeGreeting, noDial, runBytes } from '../../src/adapters/greeting.ts'
import { stampOf } from '../../src/adapters/heartbeat.ts'
import { Libp2pUnderlay } from '../../src/adapters/libp2p-underlay.ts'
import type { Pipe } from '../../src/adapters/link.ts'
import { limits } from '../../src/protocol/limits.ts'

/** Hears of each reply, or of the refusal of a request that was not looked at. */
export type Answered = (number: number, reply: Uint8Array | 'overloaded' | 'no reply') => void

export interface BareLink {
  /** Whether the other side reads as fast as is sent. */
  readonly isFull: boolean
  send(frames: Uint8Array): void
}

/** Links to all of these; resolves once each has said welcome. */
export async function linkAll(
  ringHash: string,
  addresses: readonly string[],
  answered: Answered,
  ended: (reason: string) => void,
): Promise<BareLink[]> {
  const window = limits.frameBytes
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({ streamOptions: { maxStreamWindowSize: window, maxReadBufferLength: 2 * window } }),
    ],
    connectionMonitor: { enabled: false },
  })
  const underlay = new Libp2pUnderlay(node, ringHash, limits)
  const links: BareLink[] = []
  for (const address of addresses) {
    const signal = AbortSignal.timeout(limits.requestMs)
    const connection = await underlay.connect([address], signal)
    const { foreground } = await connection.open(signal)
    await greet(foreground, answered, ended)
    // Silence would be taken for death.
    setInterval(() => {
      foreground.send(frame(frameKind.ping, stampOf(performance.now()), new Uint8Array(0)))
    }, limits.heartbeatMs / 2)
    links.push({
      get isFull() {
        return foreground.full
      },
      send: (frames) => foreground.send(frames),
    })
  }
  return links
}

export function frame(kind: 0 | 1 | 5, number: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + body.length)
  writeFrame(bytes, 0, kind, number, body)
  return bytes
}

function greet(pipe: Pipe, answered: Answered, ended: (reason: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(limits, (kind, number, body) => {
      if (kind === frameKind.reply) return answered(number, body)
      if (kind === frameKind.refusal) {
        return answered(number, body[0] === 1 ? 'overloaded' : 'no reply')
      }
      if (kind !== frameKind.greeting) return
      if (decodeGreeting(body).type === 'welcome') resolve()
      else reject(new Error('a member that is busy with another link'))
    })
    pipe.listen({ received: (piece) => reader.read(piece), drained: () => {}, closed: ended })
    const run = randomBytes(runBytes)
    const hello = encodeGreeting({ type: 'hello', run, dial: 1, welcomed: noDial })
    pipe.send(frame(frameKind.greeting, 0, hello))
  })
}
