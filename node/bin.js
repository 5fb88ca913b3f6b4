#!/usr/bin/env node
/**
 * The `ringlet` command: finds a Node that is new enough, then the program.
 *
 * In a clone it sets up what is missing and runs the sources as they are; a build that lies about
 * there may be older than they. Plain JavaScript without new syntax: an old Node reads this file.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { floor, isTooOld } from './floor.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const sources = join(root, 'node', 'main.ts')
const linkedNode = join(root, 'node_modules', '.bin', 'node')
const isClone = existsSync(sources)

const needsOther = isTooOld(process.versions.node)

if (isClone && !existsSync(needsOther ? linkedNode : join(root, 'node_modules'))) {
  await import('./setup.js')
}

// Sources that were compiled once are not compiled again: a third of the time that a command takes.
if (module.enableCompileCache) module.enableCompileCache()

if (!needsOther) {
  await import(isClone ? sources : join(root, 'dist', 'node', 'main.js'))
} else if (isClone && !process.env.RINGLET_LAUNCHED) {
  runWith(linkedNode)
} else {
  console.error(`Ringlet needs Node ${floor} or newer, and this is ${process.version}.`)
  process.exitCode = 1
}

/** Signals sent to this process alone are passed on, so that nobody is left running behind it. */
function runWith(node) {
  const env = Object.assign({}, process.env, { RINGLET_LAUNCHED: '1' })
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}
