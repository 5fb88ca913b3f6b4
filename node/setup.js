/**
 * Sets up a clone: the packages of the lock file, and a Node that is new enough to run Ringlet.
 *
 * Every npm script calls this first, so a fresh clone starts with one command, also where the Node
 * on PATH is too old: npm scripts look for `node` in `node_modules/.bin` before PATH, so a newer one
 * linked there runs everything. Plain JavaScript without new syntax: an old Node reads this file.
 */
import { execSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { floor, isTooOld } from './floor.js'

const newNode = '24.21.0'
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const link = join(root, 'node_modules', '.bin', 'node')

installPackages()
const runsLinkedNode = process.execPath.startsWith(join(root, '.node'))
if (runsLinkedNode || isTooOld(process.versions.node)) linkNewNode()

/** `npm ci`, unless the packages were installed from this very lock file. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.ringlet-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  run('npm ci')
  writeFileSync(stamp, lock)
}

/** The platform's own package: `node` itself relies on an install script, which newer npm blocks. */
function linkNewNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const manifest = join(root, '.node', 'node_modules', name, 'package.json')
  try {
    if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== newNode) {
      run(`npm install --prefix .node --no-save --no-package-lock ${name}@${newNode}`)
    }
    if (!existsSync(link)) {
      rmSync(link, { force: true })
      symlinkSync(join('..', '..', '.node', 'node_modules', '.bin', 'node'), link)
    }
  } catch {
    console.error(`Ringlet needs Node ${floor} or newer, and this is ${process.version}.`)
    process.exit(1)
  }
}

function run(command) {
  execSync(`${command} --loglevel=error`, { cwd: root, stdio: ['ignore', 2, 2] })
}
