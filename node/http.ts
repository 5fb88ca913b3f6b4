/**
 * What every small HTTP server here has in common: it listens on loopback, and answers only programs of this machine.
 *
 * Loopback alone keeps nobody out who sits in a browser: any page may send requests to it, and a name under an
 * attacker's control may be pointed at it (DNS rebinding) so that the browser even shows the answers. A browser names
 * the page's origin and the host it was told, so whatever has an `Origin`, or a `Host` that is not loopback, is refused.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RingletError } from '../src/protocol/errors.ts'

export interface Listening {
  readonly port: number
  /** Lets answers under way finish, then lets go of the port. */
  close(): Promise<void>
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Rejects with `RingletError`, `port-in-use` or `bad-argument`. Port 0 takes any that is free. */
export async function listenOnLoopback(port: number, answer: Answer): Promise<Listening> {
  const server = createServer(answer)
  await bind(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

/** Why a request is none of a program of this machine; undefined when it is one. */
export function foreignness(request: IncomingMessage): RingletError | undefined {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers
  const isFromPage = origin !== undefined || (site !== undefined && site !== 'none')
  if (!isFromPage && isLoopback(host)) return undefined
  return new RingletError(
    'not-admitted',
    isFromPage ? 'pages may not ask here' : `${host} is not this machine's loopback`,
    { remedy: 'Ask from a program on this machine, by 127.0.0.1 or localhost.' },
  )
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // As the remedy says.
    ...(status === 429 && { 'retry-after': '1' }),
  })
  response.end(text)
}

/** Rejects with `RingletError`, `value-too-large`, as soon as more than `most` bytes have come. */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > most) {
      throw new RingletError('value-too-large', `a body of more than ${most} bytes`, {
        needed: most,
        got: size,
        remedy: 'Store large things elsewhere, and their names here.',
      })
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function bind(server: Server, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
  } catch (cause) {
    throw portError(cause as NodeJS.ErrnoException, port)
  }
}

export function portError(cause: NodeJS.ErrnoException, port: number): unknown {
  if (cause.code === 'EADDRINUSE') {
    return new RingletError('port-in-use', `Another program listens at port ${port} already.`, {
      remedy: 'Stop the other program, or choose other ports with --port.',
      cause,
    })
  }
  if (cause.code === 'EACCES' || cause.code === 'ERR_SOCKET_BAD_PORT') {
    return new RingletError('bad-argument', `This user cannot listen at port ${port}.`, {
      remedy: 'Choose ports from 1024 to 65535 with --port.',
      cause,
    })
  }
  return cause
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host)
}
