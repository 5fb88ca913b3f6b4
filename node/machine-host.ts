/**
 * Which machine this is: a random id, kept for this user.
 *
 * Two peers with their disks in one machine die together, so they count once towards a quorum; they find out by naming
 * the same host. A machine's network name would tell too much to others, and many machines share one.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'

/** Where it cannot be kept, the machine's name has to do. */
export function machineHost(): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state')
  const folder = join(state, 'ringlet')
  const path = join(folder, 'host')
  try {
    return kept(path)
  } catch {
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(path, randomBytes(12).toString('base64url'), { flag: 'wx' })
      return kept(path)
    } catch {
      return hostname()
    }
  }
}

function kept(path: string): string {
  const host = readFileSync(path, 'utf8').trim()
  if (!/^[\w-]{8,64}$/.test(host)) throw new Error(`${path} is no host id`)
  return host
}
