/**
 * Reading a story: what stands above the line, as commands, and what stands below it.
 *
 * Each command is given by its usage, and the usage is the grammar: capitals stand for what the script fills in,
 * brackets for what it may leave out. A line that is no command is an error that names the line and the usage, for a
 * script that says something other than its author meant would still tell some story.
 */
import type { Stage } from '../../src/protocol/copy.ts'

const usages = {
  '#': '# REMARK',
  ring: 'ring peers=PEERS [absent=PEERS] [n=NUMBER] [w=NUMBER] [r=NUMBER] [long=NUMBER] [evict=TIME]',
  edge: 'edge PEERS',
  show: 'show THING',
  crash: 'crash PEERS',
  unplug: 'unplug PEERS',
  wipe: 'wipe PEERS',
  restart: 'restart PEERS [weight=NUMBER]',
  flip: 'flip PEERS KEY',
  fill: 'fill PEERS',
  room: 'room PEERS NUMBER',
  join: 'join PEERS',
  enter: 'enter PEERS',
  leave: 'leave PEERS',
  evict: 'evict via=PEER PEERS',
  weigh: 'weigh PEERS weight=NUMBER',
  owners: 'owners',
  cut: 'cut PEERS [from=PEERS] [to=PEERS]',
  heal: 'heal',
  offline: 'offline PEERS',
  online: 'online PEERS',
  slow: 'slow PEERS by=TIME',
  network: 'network TIMES',
  follow: 'follow via=PEER KEY',
  put: 'put via=PEER [by=NAME] [ack=STAGE] [as=HOW] [ttl=TIME] KEY=WORD',
  delete: 'delete via=PEER [by=NAME] [ack=STAGE] KEY',
  get: 'get via=PEER [by=NAME] [from=PLACE] [as=HOW] KEY',
  add: 'add via=PEER KEY=WORD',
  remove: 'remove via=PEER KEY=WORD',
  items: 'items via=PEER [from=PLACE] KEY',
  look: 'look KEY',
  wait: 'wait TIME',
} as const

const blanks: Readonly<Record<string, string>> = {
  REMARK: '.+',
  PEER: '[a-z]',
  PEERS: '[a-z](?:,[a-z])*',
  KEY: '[a-z]+',
  WORD: '\\w+',
  NAME: '\\w+',
  NUMBER: '\\d+',
  TIME: '\\d+s',
  STAGE: 'device|quorum|everywhere',
  PLACE: 'copy',
  HOW: 'strict|buffered',
  THING: 'clocks|gossip',
  TIMES: 'once|twice',
}

export type Verb = keyof typeof usages

/**
 * What a line fills in, by the blank's name in small letters or by the word before the `=`. Which of these a command
 * has, its usage says.
 */
export interface Given {
  readonly remark: string
  readonly thing: string
  readonly peers: string
  readonly via: string
  readonly key: string
  readonly word: string
  readonly time: string
  readonly times: string
  readonly number: string
  readonly absent?: string
  readonly by?: string
  /** What a member states of itself from now on; 1 before. */
  readonly weight?: string
  readonly ttl?: string
  readonly ack?: Stage
  readonly as?: 'strict' | 'buffered'
  readonly from?: string
  readonly to?: string
  readonly n?: string
  readonly r?: string
  readonly w?: string
  /** More entries than this make a vector long. */
  readonly long?: string
  readonly evict?: string
}

export interface Command {
  readonly verb: Verb
  readonly line: number
  readonly given: Given
}

export interface Story {
  readonly title: string
  readonly commands: readonly Command[]
  /** The file up to its line, `---` included, and all that follows. */
  readonly script: string
  readonly told: string
}

export class ScriptError extends Error {}

/** Throws `ScriptError`, which names the line, for a file that is no story. */
export function readStory(file: string): Story {
  const lines = file.split('\n')
  const end = lines.indexOf('---')
  if (end < 0)
    throw new ScriptError('a story needs a line of --- between its script and its telling')
  const title = /^# (.+)/.exec(lines[0]!)?.[1]
  if (title === undefined) throw new ScriptError('line 1: a story begins with # and its claim')
  const commands = lines.slice(0, end).flatMap((text, i) => readLine(text, i + 1))
  checkPeers(commands)
  const script = `${lines.slice(0, end + 1).join('\n')}\n`
  return { title, commands, script, told: file.slice(script.length) }
}

function readLine(text: string, line: number): Command[] {
  if (text === '' || line === 1) return []
  const [word] = text.split(' ')
  if (!isVerb(word!)) {
    const known = Object.keys(usages).join(', ')
    throw new ScriptError(`line ${line}: there is no command ${word}; there are ${known}`)
  }
  const match = patterns[word].exec(text)
  if (match === null) throw new ScriptError(`line ${line}: ${text} is not ${usages[word]}`)
  return [{ verb: word, line, given: { ...match.groups } as unknown as Given }]
}

/** A script begins with its ring, and speaks of no peer before it has named it. */
function checkPeers(commands: readonly Command[]): void {
  const known = new Set<string>()
  for (const { verb, line, given } of commands) {
    if (verb !== '#' && (verb === 'ring') === known.size > 0) {
      throw new ScriptError(`line ${line}: a script begins with its one ring`)
    }
    const { via, peers, from, to } = given
    const isNew = verb === 'ring' || verb === 'edge'
    for (const name of [via, peers, verb === 'cut' ? from : undefined, to].flatMap(namesIn)) {
      if (known.has(name) !== isNew) known.add(name)
      else {
        const wrong = isNew ? `there is a peer ${name} already` : `there is no peer ${name}`
        throw new ScriptError(`line ${line}: ${wrong}`)
      }
    }
  }
  if (known.size === 0) throw new ScriptError('a script begins with its one ring')
}

function namesIn(list: string | undefined): string[] {
  return list?.split(',') ?? []
}

const patterns = Object.fromEntries(
  Object.entries(usages).map(([verb, usage]) => [verb, patternOf(usage)]),
) as Record<Verb, RegExp>

function patternOf(usage: string): RegExp {
  const parts = usage.split(' ').map((part) => {
    const isOptional = part.startsWith('[')
    const filled = part.replaceAll(/[[\]]/g, '').replaceAll(/(?:([a-z]+)=)?([A-Z]+)/g, fill)
    return isOptional ? `(?: ${filled})?` : ` ${filled}`
  })
  return new RegExp(`^${parts.join('').trimStart()}$`)
}

function fill(_part: string, option: string | undefined, blank: string): string {
  const group = `(?<${option ?? blank.toLowerCase()}>${blanks[blank]})`
  return option === undefined ? group : `${option}=${group}`
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(usages, word)
}
