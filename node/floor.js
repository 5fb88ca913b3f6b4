/**
 * The oldest Node that runs Ringlet, as `package.json` says it. Plain JavaScript without new syntax:
 * an old Node reads this file.
 */
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** For example `24.15`. */
export const floor = manifest.engines.node.replace('>=', '')

export function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number)
  const [floorMajor, floorMinor] = floor.split('.').map(Number)
  return major < floorMajor || (major === floorMajor && minor < floorMinor)
}
