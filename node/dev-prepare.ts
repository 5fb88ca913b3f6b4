/**
 * Makes a development ring's folder, or finds the one that was made: the ring's identity, the peers' keys, the ports.
 *
 * All ports follow from one: the page's P, the launcher's P+10, and for the i-th peer P+10+i (control), P+20+i (TCP) and
 * P+30+i (WebSockets). They are tried before anything starts, so that a port in use is one clear sentence and not three
 * peers that fall over.
 */
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { identityFromSeed } from '../src/data/identity.ts'
import { RingletError } from '../src/protocol/errors.ts'
import { type DevRing, readDevRing, ringFileOf, writeDevRing } from './dev-folder.ts'
import { inStorageWords } from './disk-errors.ts'
import { portError } from './http.ts'
import { identitySeed } from './identity-file.ts'
import { createRingFile, loadRingFile, newRingIdentity, replaceRingFile } from './ring-file.ts'

export interface DevWishes {
  readonly folder: string
  /** How many peers; undefined: as many as there were, or three. */
  readonly peers: number | undefined
  /** The page's port; undefined: the ports of the last start, or 7400. 0: any that are free. */
  readonly port: number | undefined
}

const usualPeers = 3
const usualPort = 7400
const fewestPeers = 3
const mostPeers = 9
const host = '127.0.0.1'

/** Throws `RingletError`. Writes nothing before it knows that the ring can start. */
export async function prepareDevRing({ folder, peers, port }: DevWishes): Promise<DevRing> {
  const before = readDevRing(folder)
  if (before !== undefined) await refuseSecondLauncher(folder, before)
  const count = countOf(folder, before, peers)
  const ports = await portsFor(before, count, port)
  inStorageWords(folder, () => mkdirSync(folder, { recursive: true }))
  const ring: DevRing = {
    page: `http://localhost:${ports.page}/`,
    launcher: `http://${host}:${ports.launcher}`,
    peers: ports.peers.map(({ control, tcp, ws }, i) => ({
      name: `peer-${i + 1}`,
      id: identityFromSeed(identitySeed(join(folder, `peer-${i + 1}`))).peer,
      control: `http://${host}:${control}`,
      tcpPort: tcp,
      wsPort: ws,
    })),
  }
  saveRingFile(folder, ring)
  writeDevRing(folder, ring)
  return ring
}

async function refuseSecondLauncher(folder: string, { launcher }: DevRing): Promise<void> {
  const answer = await fetch(launcher, { signal: AbortSignal.timeout(1000) })
    .then((response) => response.json() as Promise<{ folder?: string; process?: number }>)
    .catch(() => undefined)
  if (answer?.folder !== folder) return
  throw new RingletError(
    'store-locked',
    `The ring in ${folder} runs already, in process ${answer.process}.`,
    { remedy: 'Use that one, end it first, or make another ring with --folder and --port.' },
  )
}

function countOf(folder: string, before: DevRing | undefined, wanted: number | undefined): number {
  const made = before?.peers.length ?? madeBefore(folder)
  if (wanted !== undefined && (wanted < fewestPeers || wanted > mostPeers)) {
    throw new RingletError(
      'bad-argument',
      `A development ring has ${fewestPeers} to ${mostPeers} peers, not ${wanted}.`,
    )
  }
  if (made !== undefined && wanted !== undefined && wanted !== made) {
    throw new RingletError(
      'bad-argument',
      `The ring in ${folder} was made with ${made} peers and keeps them; ` +
        `delete that folder, with its data, to make one of ${wanted}.`,
    )
  }
  return made ?? wanted ?? usualPeers
}

/** Without its `peers.json` the folder still shows how many there were. */
function madeBefore(folder: string): number | undefined {
  if (!existsSync(ringFileOf(folder))) return undefined
  let count = 0
  while (existsSync(join(folder, `peer-${count + 1}`))) count++
  return count >= fewestPeers ? count : undefined
}

interface Ports {
  readonly page: number
  readonly launcher: number
  readonly peers: readonly { readonly control: number; readonly tcp: number; readonly ws: number }[]
}

async function portsFor(
  before: DevRing | undefined,
  count: number,
  wanted: number | undefined,
): Promise<Ports> {
  if (wanted === 0) return freePorts(count)
  if (wanted === undefined && before !== undefined) return checkedPorts(portsOf(before))
  const base = wanted ?? usualPort
  const peers = Array.from({ length: count }, (_, i) => ({
    control: base + 11 + i,
    tcp: base + 21 + i,
    ws: base + 31 + i,
  }))
  return checkedPorts({ page: base, launcher: base + 10, peers })
}

function portsOf({ page, launcher, peers }: DevRing): Ports {
  const portOf = (url: string): number => Number(new URL(url).port)
  return {
    page: portOf(page),
    launcher: portOf(launcher),
    peers: peers.map(({ control, tcpPort, wsPort }) => ({
      control: portOf(control),
      tcp: tcpPort,
      ws: wsPort,
    })),
  }
}

/** Throws `RingletError`, `port-in-use`, for the first that is taken. */
async function checkedPorts(ports: Ports): Promise<Ports> {
  const all = [ports.page, ports.launcher, ...ports.peers.flatMap(Object.values<number>)]
  for (const port of all) await tryPort(port).then((held) => held.letGo())
  return ports
}

/** All are held until the last is found, so that no two are the same. */
async function freePorts(count: number): Promise<Ports> {
  const held = await Promise.all(Array.from({ length: 2 + 3 * count }, () => tryPort(0)))
  await Promise.all(held.map(({ letGo }) => letGo()))
  const [page, launcher, ...rest] = held.map(({ port }) => port) as [number, number, ...number[]]
  const peers = Array.from({ length: count }, (_, i) => {
    const [control, tcp, ws] = rest.slice(3 * i, 3 * i + 3) as [number, number, number]
    return { control, tcp, ws }
  })
  return { page, launcher, peers }
}

function tryPort(port: number): Promise<{ readonly port: number; letGo(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => reject(portError(error, port) as Error))
    const letGo = async (): Promise<void> => {
      server.close()
      await once(server, 'close')
    }
    server.listen(port, host, () =>
      resolve({ port: (server.address() as AddressInfo).port, letGo }),
    )
  })
}

/** The identity stays for ever; the addresses follow the ports. */
function saveRingFile(folder: string, { peers }: DevRing): void {
  const path = ringFileOf(folder)
  const bootstrap = peers.flatMap(({ id, tcpPort, wsPort }) => [
    `/ip4/${host}/tcp/${tcpPort}/p2p/${id}`,
    `/ip4/${host}/tcp/${wsPort}/ws/p2p/${id}`,
  ])
  if (existsSync(path)) replaceRingFile(path, { ...loadRingFile(path), bootstrap })
  else createRingFile(path, { identity: newRingIdentity({ name: 'dev' }), bootstrap })
}
