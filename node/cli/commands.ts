/**
 * Every command of `ringlet`: how it is called, what it takes, and where it is. Data only, so that `--help` and a wrong
 * flag cost nothing; what a command needs is loaded when it runs.
 */
import type { Given, Outcome } from './outcome.ts'

export interface Command {
  /** The names of what follows; in brackets what may be left out. */
  readonly takes: string
  /** One line, for the list of commands. */
  readonly about: string
  /** What else there is to know. */
  readonly more?: string
  readonly options: Options
  load(): Promise<{ run(given: Given): Promise<Outcome> }>
}

export type Options = Readonly<Record<string, Option>>

export interface Option {
  readonly about: string
  /** The name of its value; an option without one is a switch. */
  readonly value?: string
  /** May be given several times. */
  readonly many?: boolean
}

/** Every command knows these. */
export const everywhere: Options = {
  json: { about: 'Answer in JSON, errors too.' },
  help: { about: 'Show this.' },
}

const peer: Options = {
  peer: {
    value: 'URL',
    about: 'Ask this control port, and not those that .ringlet/ of this folder or one above names.',
  },
}
const strict: Option = { about: 'Count ready owners alone, a majority of them at least.' }
const context: Option = { value: 'TEXT', about: 'What was seen, as an earlier read or write told.' }

const durable: Options = {
  ring: { value: 'FILE', about: 'The ring’s file (ring.json).' },
  data: { value: 'FOLDER', about: 'The data folder (ringlet-data).' },
  listen: { value: 'IP', about: 'The address to listen at (127.0.0.1).' },
  tcp: { value: 'PORT', about: 'For other Node peers (7421).' },
  ws: { value: 'PORT', about: 'For tabs, over WebSockets (7431).' },
  control: { value: 'PORT', about: 'For this command, on loopback (7411).' },
  announce: { value: 'ADDRESS', many: true, about: 'A multiaddr to tell others instead.' },
  bootstrap: { value: 'ADDRESS', many: true, about: 'A multiaddr of a member to ask first.' },
  host: { value: 'ID', about: 'Where the disk is (this machine’s own id).' },
  zone: { value: 'NAME', about: 'Owners are spread over zones (default).' },
  weight: { value: 'WEIGHT', about: 'Its share of the ring against the others’, 1 to 64 (1).' },
  'hint-space': {
    value: 'SIZE',
    about: 'Room for what it keeps for owners that are away: bytes, or a share of its disk (25%).',
  },
  trace: { about: 'Log every event.' },
}

const force: Option = {
  about: 'Also where that leaves keys with fewer than N−1 ready owners.',
}
const noWait: Option = { about: 'Do not wait until it is done.' }
const goesOn = 'It goes on by itself when this command is ended.'

export const commands: Readonly<Record<string, Command>> = {
  status: {
    takes: '',
    about: 'Show the ring as one of its peers sees it: members, states, shares, keys, hints.',
    more:
      'A peer is suspect when it does not answer in time, and down when nobody is there. Keys counts what a peer\n' +
      'holds, deleted keys included: one that comes back catches up with the others. Hints are keys that a peer\n' +
      'holds for owners who lack them: they drain to 0 when the owners are back. A peer that is refilling has lost its\n' +
      'disk, and counts for no strict request until the others have told it what was on it.',
    options: peer,
    load: () => import('./status.ts'),
  },
  ring: {
    takes: '[BUCKET] [KEY…]',
    about: 'Show the ring’s members in full, who owns which partition, or where a key is.',
    more:
      'What is owed to a member are keys that the peer which answers holds for it. Silent since says when that peer noticed.\n' +
      'A key is one text, or a path of several; --key asks every member what it holds of it.\n' +
      '`ringlet ring check` says what is wrong, `ringlet plan` what a change would move.',
    options: {
      ...peer,
      partitions: { about: 'Show the owners of each partition, preferred first.' },
      key: { about: 'Show where the key KEY of BUCKET is, and who holds what of it.' },
    },
    load: () => import('./ring-show.ts'),
  },
  'ring check': {
    takes: '',
    about:
      'Say what is wrong with the ring and what to do about it; the exit code is 0 if nothing is.',
    more:
      'Looks at who answers and is ready, at owners that share hosts or zones, and at the disks of the peers whose control\n' +
      'ports are known here: those of a development ring, else that of --peer.',
    options: peer,
    load: () => import('./ring-check.ts'),
  },
  plan: {
    takes: '',
    about: 'Work out what a change of the members would move. It changes nothing.',
    more:
      'A peer is named by its name, its id, or the end of its id. For a new one zone=default and weight=1 are meant unless\n' +
      'given. Which partitions it takes depends on the id that it has from its first start on: the counts are those of a\n' +
      'made-up one, and differ by a few.',
    options: {
      ...peer,
      without: { value: 'PEER', many: true, about: 'A member that goes.' },
      with: {
        value: 'host=HOST[,zone=ZONE][,weight=WEIGHT]',
        many: true,
        about: 'A member that comes.',
      },
    },
    load: () => import('./plan.ts'),
  },
  get: {
    takes: 'BUCKET KEY',
    about: 'Print the value of a key, as JSON; every value, where concurrent ones stand.',
    options: { ...peer, strict, r: { value: 'R', about: 'How many owners must answer (2).' } },
    load: () => import('./get.ts'),
  },
  put: {
    takes: 'BUCKET KEY VALUE',
    about: 'Store a value: JSON if it is JSON, else text; - reads it from the input.',
    more: 'Reads the key first, and supersedes exactly what it has read.',
    options: {
      ...peer,
      context,
      blind: { about: 'Read nothing first: the value stands beside what is there.' },
      ttl: {
        value: 'SECONDS',
        about: 'How long it lives: then it is deleted by itself (for ever).',
      },
      strict,
      w: { value: 'W', about: 'How many hosts must have it durably (2).' },
    },
    load: () => import('./put.ts'),
  },
  delete: {
    takes: 'BUCKET KEY',
    about: 'Delete a key: what it has read of it, or what --context has seen.',
    options: {
      ...peer,
      context,
      strict,
      w: { value: 'W', about: 'How many hosts must have it durably (2).' },
    },
    load: () => import('./delete.ts'),
  },
  trust: {
    takes: '',
    about:
      'Let a peer count as whole although too few others are left to refill it: --peer says which.',
    more:
      'For when most owners of some keys have lost their disks, and no better disk will come back. What was\n' +
      'acknowledged strictly before may then be missed by strict reads.',
    options: peer,
    load: () => import('./trust.ts'),
  },
  start: {
    takes: 'PEER',
    about: 'Start a peer of the development ring again, by its number.',
    options: {},
    load: () => import('./start.ts'),
  },
  stop: {
    takes: 'PEER',
    about: 'Stop a peer of the development ring in peace, by its number.',
    options: {},
    load: () => import('./stop.ts'),
  },
  dev: {
    takes: '',
    about: 'Run a development ring on this machine, and serve the cart page. (npm start)',
    options: {
      peers: { value: 'COUNT', about: 'How many peers to make the ring of, 3 to 9 (3).' },
      port: { value: 'PORT', about: 'The page’s port; the others follow (7400). 0: any free.' },
      folder: { value: 'FOLDER', about: 'Where the ring is kept (.ringlet).' },
    },
    load: () => import('./dev.ts'),
  },
  init: {
    takes: '[FILE]',
    about: 'Make a new ring’s identity, in a public file (ring.json).',
    more: 'A ring is made once. Give the file to every Node peer, and serve it to pages.',
    options: {
      name: { value: 'NAME', about: 'What people call the ring (ringlet).' },
      n: { value: 'N', about: 'Owners of each key (3).' },
      q: { value: 'Q', about: 'Partitions of the ring, a power of two (4096).' },
      'durable-owners': { value: 'COUNT', about: 'How many owners are Node peers (N).' },
    },
    load: () => import('./init.ts'),
  },
  peer: {
    takes: '',
    about:
      'Run one durable peer in the foreground: one of those that found a ring, or a member of it.',
    options: durable,
    load: () => import('./peer.ts'),
  },
  join: {
    takes: '',
    about: 'Run one durable peer in the foreground, which comes into a ring while that serves.',
    more:
      'It owns nothing before it holds what it is to own. Started again it goes on where it was, and stays the member that it\n' +
      'has become. One that has left, or was sent away, comes back in this way alone.',
    options: durable,
    load: () => import('./join.ts'),
  },
  replace: {
    takes: 'PEER',
    about: 'Like join, in the place of a machine that is gone: PEER is sent away.',
    more: 'PEER is an id or the end of one, as `ringlet ring` shows it. Its disk counts as lost.',
    options: { ...durable, force },
    load: () => import('./replace.ts'),
  },
  leave: {
    takes: '[PEER]',
    about: 'Take a member out in peace: the others fetch what it owns, and then its process ends.',
    more: 'PEER is its name in a development ring; else --peer is its own control port.\n' + goesOn,
    options: { ...peer, force, 'no-wait': noWait },
    load: () => import('./leave.ts'),
  },
  evict: {
    takes: 'PEER',
    about: 'Send a member away that will not come back: its disk counts as lost.',
    more:
      'PEER is its name, its id or the end of its id. For one that answers see `ringlet leave`.\n' +
      goesOn,
    options: { ...peer, force, 'no-wait': noWait },
    load: () => import('./evict.ts'),
  },
  weight: {
    takes: 'WEIGHT [PEER]',
    about: 'Give a member another share of the ring, 1 to 64 against the others’.',
    more: 'PEER is its name in a development ring; else --peer is its own control port.\n' + goesOn,
    options: { ...peer, 'no-wait': noWait },
    load: () => import('./weight.ts'),
  },
}
