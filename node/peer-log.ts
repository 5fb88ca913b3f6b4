/**
 * A peer's log: one line for what an operator may want to know, and nothing for the thousand things a second that go
 * well. It is bounded too: whoever can make a peer complain could otherwise fill its disk.
 */
import type { EventType, PeerEvent } from '../src/protocol/event.ts'

/** What happens on every request, or on every key. */
const everyday: ReadonlySet<EventType> = new Set([
  'mint',
  'apply',
  'forward',
  'ask',
  'replicate',
  'stored',
  'put',
  'get',
  'list',
  'deliver',
  'everywhere',
  'hint',
  'hint-drained',
  'hint-dropped',
  'hint-refused',
  'repair',
  'exchange',
])

const mostLinesASecond = 20

/** Writes lines by `write`; `all` writes everyday events too, and leaves nothing out. */
export function peerLog(write: (line: string) => void, all: boolean) {
  let second = 0
  let lines = 0
  const log = (line: string): void => {
    const now = Date.now()
    const thisSecond = Math.floor(now / 1000)
    if (thisSecond !== second) {
      const silent = lines - mostLinesASecond
      if (silent > 0 && !all) write(`${stamp(now)} and ${silent} lines more`)
      second = thisSecond
      lines = 0
    }
    if (++lines <= mostLinesASecond || all) write(`${stamp(now)} ${line}`)
  }
  const trace = (event: PeerEvent): void => {
    if (all || !everyday.has(event.type)) log(lineOf(event))
  }
  return { log, trace }
}

function lineOf({ type, key, to, from, dot, result, detail }: PeerEvent): string {
  const parts = [
    type,
    key,
    from === undefined ? undefined : `from ${from}`,
    to === undefined ? undefined : `→ ${to}`,
    dot,
    result,
    detail === undefined ? undefined : `(${detail})`,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}

function stamp(now: number): string {
  return new Date(now).toISOString()
}
