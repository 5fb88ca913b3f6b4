/**
 * The launcher's own small port on loopback, for `ringlet start` and `ringlet stop`. The launcher forks its peers itself, so
 * that they end with it, however they came to be.
 *
 *     GET  /                  { folder, process, peers: [{ name, process }] }
 *     POST /peers/2/start     { text, process }
 *     POST /peers/2/stop
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RingletError } from '../src/protocol/errors.ts'
import { plainError, statusOf } from './control-errors.ts'
import type { DevPeerProcess } from './dev-peer.ts'
import { foreignness, listenOnLoopback, type Listening, sendJson } from './http.ts'

export interface LauncherOptions {
  readonly port: number
  readonly folder: string
  readonly peers: readonly DevPeerProcess[]
  /** Told what was done, for the terminal. */
  readonly say: (line: string) => void
}

export function serveLauncher(options: LauncherOptions): Promise<Listening> {
  return listenOnLoopback(options.port, (request, response) => {
    void answerTo(options, request).then(
      (answer) => sendJson(response, 200, answer),
      (error: unknown) => refuse(response, error),
    )
  })
}

async function answerTo(options: LauncherOptions, request: IncomingMessage): Promise<object> {
  const refusal = foreignness(request)
  if (refusal !== undefined) throw refusal
  const { method, url = '/' } = request
  if (url === '/') {
    const peers = options.peers.map(({ peer, pid }) => ({ name: peer.name, process: pid ?? null }))
    return { folder: options.folder, process: process.pid, peers }
  }
  const [, number, act] = /^\/peers\/(\d+)\/(start|stop)$/.exec(url) ?? []
  if (method !== 'POST' || number === undefined) {
    throw new RingletError('bad-argument', `${method} ${url} is not served`)
  }
  const peer = options.peers[Number(number) - 1]
  if (peer === undefined) {
    throw new RingletError('bad-argument', `There is no peer ${number}.`, {
      remedy: `The peers are 1 to ${options.peers.length}.`,
    })
  }
  return act === 'start' ? start(options, peer) : stop(options, peer)
}

function start({ say }: LauncherOptions, peer: DevPeerProcess): object {
  const { name } = peer.peer
  if (peer.pid !== undefined) {
    return { text: `${name} runs already, in process ${peer.pid}.`, process: peer.pid }
  }
  void peer.start().then((why) => {
    say(why === undefined ? `${name} is started again.` : `${name} does not start: ${why}`)
  })
  const text = `${name} starts, in process ${peer.pid}; npx ringlet status shows it catch up.`
  return { text, process: peer.pid }
}

/** Resolves once its process is gone, and its folder is free. */
async function stop({ say }: LauncherOptions, peer: DevPeerProcess): Promise<object> {
  const { name } = peer.peer
  if (peer.pid === undefined) return { text: `${name} does not run.` }
  await peer.stop()
  const text = `${name} is stopped.`
  say(text)
  return { text }
}

function refuse(response: ServerResponse, error: unknown): void {
  sendJson(response, statusOf(error), { error: plainError(error) })
}
