/**
 * One libp2p stream as a pipe, and the end of a connection.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Pipe, PipeListener } from './link.ts'

export function pipeOf(stream: Stream): Pipe {
  return {
    get full() {
      return stream.writableNeedsDrain
    },
    send: (bytes) => void stream.send(bytes),
    listen: (listener) => listen(stream, listener),
  }
}

function listen(stream: Stream, listener: PipeListener): void {
  if (stream.status !== 'open') return listener.closed(`the stream is ${stream.status}`)
  stream.addEventListener('close', ({ error }) =>
    listener.closed(error === undefined ? 'the other side closed it' : describe(error)),
  )
  stream.addEventListener('remoteCloseWrite', () => listener.closed('the other side closed it'))
  stream.addEventListener('drain', () => listener.drained())
  stream.addEventListener('message', ({ data }) => {
    if (data instanceof Uint8Array) listener.received(data)
    else for (const piece of data) listener.received(piece)
  })
}

/**
 * Closes in order, so that what was sent last still arrives, and by force where that takes too long. Not by force at
 * once: a WebSocket cannot be aborted (its close code is refused), and would stay.
 */
export async function hangUp(connection: Connection): Promise<void> {
  if (connection.status !== 'open') return
  for (const stream of connection.streams) {
    if (stream.writeBufferLength > 0) stream.abort(new Error('the link has ended'))
  }
  try {
    await connection.close({ signal: AbortSignal.timeout(1000) })
  } catch (error) {
    connection.abort(error as Error)
  }
}

/** One line, whatever was thrown: libp2p puts whole stacks into some messages, and a WebSocket throws an event. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ')
  if (error instanceof Event) return 'the WebSocket did not open'
  const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n')
  return line
}
