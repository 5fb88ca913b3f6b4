/**
 * The bare wire: one libp2p stream a pair (TCP, noise, yamux), requests and replies by number, and all of one turn as one
 * send. A message is its length, a type (0 for a reply), a number, and a body.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'

export const protocol = '/bare/1'

const headBytes = 9

export function startBarePeer(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
}

export type Serve = (type: number, body: Uint8Array, reply: (body?: Uint8Array) => void) => unknown

export class BareChannel {
  readonly #stream: Stream
  readonly #serve: Serve
  readonly #waiting = new Map<number, (body: Uint8Array) => void>()
  #out: Uint8Array[] = []
  #outBytes = 0
  #rest: Uint8Array | undefined
  #number = 0

  constructor(stream: Stream, serve: Serve = () => {}) {
    this.#stream = stream
    this.#serve = serve
    stream.addEventListener('message', ({ data }) =>
      this.#read(data instanceof Uint8Array ? data : data.subarray()),
    )
  }

  request(type: number, body: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.set(++this.#number, resolve)
      this.#send(type, this.#number, body)
    })
  }

  #read(piece: Uint8Array): void {
    const data = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece])
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    let at = 0
    while (data.length - at >= 4) {
      const length = view.getUint32(at)
      if (data.length - at - 4 < length) break
      const number = view.getUint32(at + 5)
      this.#take(data[at + 4]!, number, data.subarray(at + headBytes, at + 4 + length))
      at += 4 + length
    }
    this.#rest = at < data.length ? data.slice(at) : undefined
  }

  #take(type: number, number: number, body: Uint8Array): void {
    if (type !== 0) {
      this.#serve(type, body, (reply) => this.#send(0, number, reply))
      return
    }
    const resolve = this.#waiting.get(number)
    this.#waiting.delete(number)
    resolve?.(body)
  }

  #send(type: number, number: number, body: Uint8Array = new Uint8Array(0)): void {
    const message = new Uint8Array(headBytes + body.length)
    const view = new DataView(message.buffer)
    view.setUint32(0, message.length - 4)
    message[4] = type
    view.setUint32(5, number)
    message.set(body, headBytes)
    this.#outBytes += message.length
    if (this.#out.push(message) > 1) return
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    const all = new Uint8Array(this.#outBytes)
    let at = 0
    for (const message of this.#out) {
      all.set(message, at)
      at += message.length
    }
    this.#out = []
    this.#outBytes = 0
    this.#stream.send(all)
  }
}
