/**
 * Processes of a measurement: each on a core of its own where the system can do that, before what else the machine does, and
 * what they use of it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setPriority } from 'node:os'

/** Resolves once it has said that it is there. */
export function startPinned(
  core: number | undefined,
  args: readonly string[],
): Promise<ChildProcess> {
  const command = [process.execPath, ...args]
  const pinned = core === undefined ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(pinned[0]!, pinned.slice(1), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  goFirst(child.pid!)
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child))
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)))
  })
}

/** Before what else this machine does, where that is allowed. */
export function goFirst(process: number): void {
  try {
    setPriority(process, -10)
  } catch {}
}

export function canPin(): boolean {
  return spawnSync('taskset', ['-c', '0,1', 'true']).status === 0
}

/** In megabytes; 0 where the system does not say. */
export function residentOf(process: number): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${process}/status`, 'utf8'))!
    return Number(kilobytes) / 1024
  } catch {
    return 0
  }
}

/** In seconds, all threads together; 0 where the system does not say. */
export function processorOf(process: number): number {
  try {
    const fields = readFileSync(`/proc/${process}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return 0
  }
}

/** All are held until the last is found, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await server[Symbol.asyncDispose]()
  return ports
}
