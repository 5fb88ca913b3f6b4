/**
 * A network of our own, with cables that can really be cut: every host is a network namespace of this machine, joined by
 * one cable to a router, which is a namespace too. Nothing of it reaches the machine's own network, nor the other way.
 *
 * A browser that is told to be offline fails at once, which real networks seldom do. Here packets get lost: the router
 * drops what goes from one host to another (`ip rule … blackhole`: in one direction, and nobody hears why), or a host's
 * cable is pulled. Whether a cut cuts is tried with packets of the host's own (`reaches`), never taken for granted.
 *
 * It takes Linux, root and `ip`. Namespaces bear the id of the process that made them, so that what a killed run left
 * behind is found, and cleared away, by the next.
 */
import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FromStation, StationOptions, ToStation } from './station.ts'

const prefix = 'ringlet-test-'
const folderPrefix = 'ringlet-network-'
const namespaces = '/run/netns'
const router = 'router'
/** Long for a packet on one machine, also while every core is busy. */
const packetMs = 700
/** Long for a process to start, also while every core is busy. */
const readyMs = 60_000

export class Network {
  readonly #name: string
  readonly #hosts: readonly string[]
  readonly #folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`))
  readonly #stations = new Map<string, ChildProcess>()
  /** What the router drops, as rules. */
  readonly #silences = new Set<string>()
  readonly #pulled = new Set<string>()
  #words = 0

  /** Throws where this machine has no namespaces to give. */
  static lay(hosts: readonly string[]): Network {
    clearLeftovers()
    const network = new Network(hosts)
    try {
      network.#lay()
      return network
    } catch (error) {
      network.#remove()
      throw error
    }
  }

  private constructor(hosts: readonly string[]) {
    this.#hosts = hosts
    this.#name = `${prefix}${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  }

  addressOf(host: string): string {
    return `10.231.${this.#hosts.indexOf(host) + 1}.2`
  }

  /** Starts a program on a host. */
  run(host: string, program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const [enter, ...rest] = this.#entering(host)
    return spawn(enter!, [...rest, program, ...args], options)
  }

  /** A file that is that program on that host, for whoever takes a path; the process's id lands in `pidFile`. */
  programOn(host: string, program: string, pidFile = '/dev/null'): string {
    const path = join(this.#folder, `on-${host}-${this.#words++}`)
    const enter = this.#entering(host).join(' ')
    writeFileSync(path, `#!/bin/sh\necho $$ > '${pidFile}'\nexec ${enter} '${program}' "$@"\n`)
    chmodSync(path, 0o755)
    return path
  }

  /** A station sends and hears packets of its host, and serves its page there. Resolves once it does. */
  async station(host: string, options: StationOptions = {}): Promise<void> {
    const args = [join(import.meta.dirname, 'station.ts'), JSON.stringify(options)]
    const stdio: SpawnOptions['stdio'] = ['ignore', 'inherit', 'inherit', 'ipc']
    const child = this.run(host, process.execPath, args, { stdio })
    child.setMaxListeners(100)
    this.#stations.set(host, child)
    await heard(child, 'ready', readyMs)
  }

  /** Whether a packet from one host arrives at the other now. */
  async reaches(from: string, to: string): Promise<boolean> {
    const word = `${from} ${to} ${this.#words++}`
    const arrives = heard(this.#stations.get(to)!, word, packetMs).then(
      () => true,
      () => false,
    )
    const call: ToStation = { call: this.addressOf(to), word }
    this.#stations.get(from)!.send(call)
    return arrives
  }

  /** From now on nothing from these hosts gets to those. The other way stays as it is. */
  silence(from: readonly string[], to: readonly string[]): void {
    for (const one of from) {
      for (const other of to) {
        const rule = this.#silenceOf(one, other)
        if (this.#silences.has(rule)) continue
        this.#ip(router, `rule add ${rule}`)
        this.#silences.add(rule)
      }
    }
  }

  /** From now on what goes from these hosts to those gets there again. */
  hear(from: readonly string[], to: readonly string[]): void {
    for (const one of from) {
      for (const other of to) {
        const rule = this.#silenceOf(one, other)
        if (this.#silences.delete(rule)) this.#ip(router, `rule del ${rule}`)
      }
    }
  }

  /** Pulls the host's cable: it notices, as a device does that leaves its network. */
  pull(host: string): void {
    this.#ip(host, 'link set cable down')
    this.#pulled.add(host)
  }

  /** Puts a cable back that was pulled. */
  plug(host: string): void {
    if (this.#pulled.delete(host)) this.#plug(host)
  }

  /** Everything gets everywhere again; whether anything was cut. */
  heal(): boolean {
    const wasCut = this.#silences.size + this.#pulled.size > 0
    for (const rule of this.#silences) this.#ip(router, `rule del ${rule}`)
    for (const host of this.#pulled) this.#plug(host)
    this.#silences.clear()
    this.#pulled.clear()
    return wasCut
  }

  /** Ends the stations, and all else that still runs on a host. */
  async close(): Promise<void> {
    const runs = [...this.#stations.values()].filter(({ exitCode }) => exitCode === null)
    const ended = runs.map((station) => once(station, 'exit'))
    for (const station of runs) station.kill('SIGKILL')
    await Promise.all(ended)
    this.#remove()
  }

  #lay(): void {
    for (const host of [router, ...this.#hosts]) ip(`netns add ${this.#full(host)}`)
    for (const host of this.#hosts) {
      const far = `to${this.#hosts.indexOf(host)}`
      ip(
        `link add cable netns ${this.#full(host)} type veth peer name ${far} netns ${this.#full(router)}`,
      )
      this.#ip(router, `addr add ${this.#gateway(host)}/24 dev ${far}`)
      this.#ip(router, `link set ${far} up`)
      this.#ip(host, 'link set lo up')
      this.#ip(host, `addr add ${this.addressOf(host)}/24 dev cable`)
      this.#plug(host)
    }
    const forward = 'echo 1 > /proc/sys/net/ipv4/ip_forward'
    const [enter, ...rest] = this.#entering(router)
    execFileSync(enter!, [...rest, 'sh', '-c', forward])
  }

  /** Also kills what runs there still: a namespace lives as long as anybody is in it. */
  #remove(): void {
    for (const host of [...this.#hosts, router]) removeNamespace(this.#full(host))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #plug(host: string): void {
    this.#ip(host, 'link set cable up')
    // With the cable went the way out.
    this.#ip(host, `route replace default via ${this.#gateway(host)}`)
  }

  #silenceOf(from: string, to: string): string {
    return `from ${this.addressOf(from)} to ${this.addressOf(to)} blackhole pref 100`
  }

  #gateway(host: string): string {
    return this.addressOf(host).replace(/2$/, '1')
  }

  #full(host: string): string {
    return `${this.#name}-${host}`
  }

  #entering(host: string): string[] {
    return ['nsenter', `--net=${join(namespaces, this.#full(host))}`]
  }

  #ip(host: string, words: string): void {
    ip(`-n ${this.#full(host)} ${words}`)
  }
}

let whyNot: string | undefined
let isKnown = false

/** Why there can be no such network here, in a sentence; undefined when there can. */
export function whyNoNetwork(): string | undefined {
  if (isKnown) return whyNot
  isKnown = true
  try {
    const network = Network.lay(['a', 'b'])
    network.silence(['a'], ['b'])
    void network.close()
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string }
    const why = stderr?.toString().trim() || message
    whyNot = `It takes Linux, root and iproute2 to lay a network of namespaces: ${why}`
  }
  return whyNot
}

function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { stdio: ['ignore', 'pipe', 'pipe'] }).toString()
}

/** What runs have left in which no process is there to clear it away: they were killed. */
function clearLeftovers(): void {
  for (const name of leftIn(namespaces, prefix)) removeNamespace(name)
  for (const name of leftIn(tmpdir(), folderPrefix)) {
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    } catch {
      // It is another user's.
    }
  }
}

/** What in a folder bears the id of a process that is no more, behind this prefix. */
export function leftIn(folder: string, named: string): string[] {
  let names: string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    // Nobody ever made it.
  }
  return names.filter((name) => {
    const maker = new RegExp(`^${named}(\\d+)-`).exec(name)?.[1]
    return maker !== undefined && !isAlive(Number(maker))
  })
}

function removeNamespace(name: string): void {
  try {
    for (const pid of ip(`netns pids ${name}`).split('\n').filter(Boolean)) {
      process.kill(Number(pid), 'SIGKILL')
    }
  } catch {
    // It is gone already, or was never made.
  }
  try {
    ip(`netns del ${name}`)
  } catch {
    // The same.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when the station has said this; rejects when it has not in time. */
function heard(station: ChildProcess, word: FromStation['heard'], withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = (news: FromStation): void => {
      if (news.heard === word) settle(resolve)
    }
    const settle = (how: (error?: any) => void): void => {
      clearTimeout(timer)
      station.off('message', listen)
      how(new Error(`no word of ${word}`))
    }
    const timer = setTimeout(() => settle(reject), withinMs)
    station.on('message', listen)
  })
}
