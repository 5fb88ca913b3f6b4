/**
 * One HTTP request. `fetch` would do, but takes longer to load than the rest of a command to run.
 */
import { request } from 'node:http'

export interface CallOptions {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** No answer came. `sent`: the request may have been acted on. */
export class CallError extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: unknown) {
    super('no answer', { cause })
    this.sent = sent
  }
}

/** Longer than any request of a peer. */
const mostMs = 12_000

/** Rejects with `CallError`. */
export function call(url: string, options: CallOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, signal = AbortSignal.timeout(mostMs) } = options
  return new Promise((resolve, reject) => {
    let connected = false
    const fail = (cause: unknown): void => reject(new CallError(connected, cause))
    const sending = request(url, { method, headers, signal, agent: false }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', fail)
      response.on('end', () => {
        try {
          const text = Buffer.concat(pieces).toString('utf8')
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
        } catch (error) {
          fail(error)
        }
      })
    })
    sending.on('socket', (socket) => socket.on('connect', () => (connected = true)))
    sending.on('error', fail)
    sending.end(body)
  })
}
