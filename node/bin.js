#!/usr/bin/env node
/**
 * The `ringlet` command: finds a Node that is new enough, then the built program or its sources.
 *
 * Plain JavaScript without new syntax: an old Node reads this file. In a clone, set-up has put a
 * newer Node into `node_modules/.bin`; there the sources run as they are, no build is needed.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const newerNode = join(root, 'node_modules', '.bin', 'node')

if (!isTooOld(process.versions.node)) {
  const sources = join(root, 'node', 'main.ts')
  await import(existsSync(sources) ? sources : join(root, 'dist', 'node', 'main.js'))
} else if (existsSync(newerNode) && !process.env.RINGLET_NODE) {
  runWith(newerNode)
} else {
  const help = existsSync(join(root, 'node', 'setup.js'))
    ? ', or run `npm start` once in the clone, which fetches one'
    : ''
  console.error(
    `Ringlet needs Node ${floor()} or newer, and this is ${process.version}: please install it${help}.`,
  )
  process.exitCode = 1
}

function floor() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '')
}

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number)
  const [floorMajor, floorMinor] = floor().split('.').map(Number)
  return major < floorMajor || (major === floorMajor && minor < floorMinor)
}

/** Signals sent to this process alone are passed on, so that nobody is left running behind it. */
function runWith(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { RINGLET_NODE: node }),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}
