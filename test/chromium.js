/**
 * Finds a Chromium for the tests that need a browser, or installs one.
 *
 * Playwright's own build is not to be had everywhere, and any recent Chromium will do. In turn:
 * the one that `RINGLET_CHROMIUM` names, Playwright's own, one on PATH, Debian's package (as root),
 * a download by Playwright.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright'

const root = join(import.meta.dirname, '..')
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The program to launch; `executablePath` in Playwright's launch options. */
export function chromiumPath() {
  return findChromium() ?? installChromium()
}

function findChromium() {
  const named = process.env.RINGLET_CHROMIUM
  if (named !== undefined) {
    if (isProgram(named)) return named
    throw new Error(`RINGLET_CHROMIUM names ${named}, which is not a program.`)
  }
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [chromium.executablePath(), ...onPath].find(isProgram)
}

function installChromium() {
  console.error('The browser tests need Chromium, and there is none: installing it.')
  if (process.getuid?.() === 0 && run('apt-get', ['update', '-qq'])) {
    run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'chromium'])
  }
  if (findChromium() === undefined) {
    run(join(root, 'node_modules', '.bin', 'playwright'), ['install', 'chromium'])
  }
  const found = findChromium()
  if (found !== undefined) return found
  throw new Error('The browser tests need Chromium: install it, or name one in RINGLET_CHROMIUM.')
}

/**
 * @param {string} path
 */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Whether the command succeeded; what it prints goes to stderr.
 *
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { env, stdio: ['ignore', 2, 2] }).status === 0
}
