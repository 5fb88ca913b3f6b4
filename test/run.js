/**
 * Runs every test there is and ends with one line: `N passed, N failed`.
 *
 *     npm test                    everything
 *     npm test -- node browser    some parts
 *     npm run check               the fast ones: types, lint, format, core, size
 *
 * Three runners share the work, so their reports are added up here. A file that does not load, a
 * runner that stops half-way or a part that runs nothing counts as failed, and so does, in CI, a
 * skipped test that `allowedSkips` does not name: a green run must mean that the tests ran.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Tests that may be skipped in CI: what their full names begin with → why. */
const allowedSkips = new Map([
  ['on a disk that forgets what was not synced', 'some kernels let nobody mount by /dev/fuse'],
])

const root = join(import.meta.dirname, '..')
const reports = join(root, '.reports')
const timeLimitMs = 40 * 60_000

const vitest = (name) =>
  `vitest run --config test/vitest.config.ts --project ${name} ` +
  `--reporter default --reporter json --outputFile .reports/${name}.json`

/** A part with a `read` reports its tests one by one; one without is itself one test. */
const parts = {
  types: { commands: ['tsc -b'] },
  lint: { commands: ['oxlint --deny-warnings'] },
  format: { commands: ['oxfmt --check'] },
  // More workers than cores: much of a test of time-outs is waiting.
  core: { commands: [`${vitest('core')} --maxWorkers=3`], read: readVitest },
  size: {
    commands: ['vite build --config web/vite.config.ts --logLevel warn', 'size-limit'],
    files: 'web/cart/index.html',
  },
  simulation: {
    // The seeds have processes of their own, one a core; what is beside them fills the gaps.
    commands: [`${vitest('simulation')} --maxWorkers=2`],
    files: 'test/simulation/**/*.test.ts',
    read: readVitest,
  },
  // Two files at a time: most of these tests wait.
  node: {
    commands: [`${vitest('node')} --maxWorkers=2`],
    files: 'test/node/**/*.test.ts',
    read: readVitest,
  },
  web: { commands: [vitest('web')], files: 'test/web/**/*.test.ts', read: readVitest },
  browser: {
    commands: ['playwright test --config test/browser/playwright.config.ts'],
    files: 'test/browser/*.spec.ts',
    read: readPlaywright,
  },
  hosts: {
    commands: ['playwright test --config test/browser/hosts/playwright.config.ts'],
    files: 'test/browser/hosts/*.spec.ts',
    read: readPlaywright,
  },
  chaos: { commands: [vitest('chaos')], files: 'test/chaos/**/*.test.ts', read: readVitest },
}
/** These wait most of the time, on machines of their own: the first runs together with the second. */
const together = new Map([['chaos', 'hosts']])
const fast = ['types', 'lint', 'format', 'core', 'size']

const asked = process.argv.slice(2).flatMap((name) => (name === 'check' ? fast : [name]))
const unknown = asked.find((name) => !(name in parts))
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}; there are ${Object.keys(parts).join(', ')}, check.`)
  process.exit(2)
}

rmSync(reports, { recursive: true, force: true })
mkdirSync(reports)

const failures = []
const secondTries = []
const total = { passed: 0, failed: 0, skipped: 0 }
const wanted = asked.length > 0 ? asked : Object.keys(parts)
for (const name of wanted) {
  // Has run together with the one before it.
  const other = together.get(name)
  if (other !== undefined && wanted.includes(other)) continue
  const names = [name, ...wanted.filter((each) => together.get(each) === name)]
  const results = await Promise.all(names.map((each) => runPart(parts[each], each)))
  for (const [i, tests] of results.entries()) for (const test of tests) count(names[i], test)
}
if (total.passed === 0) total.failed ||= 1

if (secondTries.length > 0) {
  console.log(`\nPassed at the second try only:\n  ${secondTries.join('\n  ')}\n`)
}
if (failures.length > 0) console.log(`\nFailed:\n  ${failures.join('\n  ')}\n`)

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)

async function runPart(part, name) {
  if (part.files !== undefined && globSync(part.files, { cwd: root }).length === 0) {
    console.log(`\n${name}: there is nothing to run yet`)
    return []
  }
  console.log(`\n${name}`)
  const startedMs = Date.now()
  let problem
  for (const command of part.commands) problem ??= await run(command)
  console.log(`${name}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`)

  if (part.read === undefined) {
    return [{ name: part.commands.join(', '), status: problem ? 'failed' : 'passed', problem }]
  }
  const tests = readReport(name, part.read)
  if (tests.length === 0) {
    return [{ name: 'all', status: 'failed', problem: problem ?? 'it ran no test' }]
  }
  if (problem === undefined || tests.some((test) => test.status === 'failed')) return tests
  return [...tests, { name: 'outside of the tests', status: 'failed', problem }]
}

function count(part, { name, status, problem }) {
  const isAllowed = [...allowedSkips.keys()].some((start) => name.startsWith(start))
  const isBanned = status === 'skipped' && process.env.CI && !isAllowed
  if (status === 'skipped') console.log(`skipped: ${part}: ${name}`)
  if (isBanned) problem = 'a skipped test, which test/run.js does not allow in CI'
  if (status === 'failed' || isBanned) {
    total.failed += 1
    failures.push([part, name, problem].filter((word) => word !== undefined).join(': '))
  } else {
    if (problem !== undefined) secondTries.push(`${part}: ${name}`)
    total[status] += 1
  }
}

/** Resolves with what went wrong, in words, or with nothing. */
function run(line) {
  const { promise, resolve } = Promise.withResolvers()
  const [command, ...args] = line.split(' ')
  const program = join(root, 'node_modules', '.bin', command)
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
  const timer = setTimeout(() => child.kill(), timeLimitMs)
  const stop = () => {
    child.kill()
    process.exit(1)
  }
  process.once('SIGTERM', stop)
  child.on('error', (error) => resolve(error.message))
  child.on('exit', (code, signal) => {
    clearTimeout(timer)
    process.off('SIGTERM', stop)
    resolve(code === 0 ? undefined : `${command} ended with ${signal ?? `exit code ${code}`}`)
  })
  return promise
}

function readReport(name, read) {
  try {
    return read(JSON.parse(readFileSync(join(reports, `${name}.json`), 'utf8')))
  } catch {
    return []
  }
}

function readVitest(report) {
  return report.testResults.flatMap((file) => {
    const tests = file.assertionResults.map(({ fullName, status }) => ({
      name: fullName,
      status: status === 'passed' || status === 'failed' ? status : 'skipped',
    }))
    if (file.status !== 'failed' || tests.some((test) => test.status === 'failed')) return tests
    const problem = file.message || 'the file failed outside of its tests'
    return [...tests, { name: relative(root, file.name), status: 'failed', problem }]
  })
}

function readPlaywright(report) {
  const statuses = { expected: 'passed', unexpected: 'failed', flaky: 'passed', skipped: 'skipped' }
  const inSuite = (suite, path) => [
    ...(suite.specs ?? []).flatMap((spec) =>
      spec.tests.map((test) => ({
        name: [...path, suite.title, spec.title].join(' '),
        status: statuses[test.status],
        problem: test.status === 'flaky' ? 'failed once' : undefined,
      })),
    ),
    ...(suite.suites ?? []).flatMap((inner) => inSuite(inner, [...path, suite.title])),
  ]
  const outside = report.errors.map((error) => ({
    name: relative(root, error.location?.file ?? 'test/browser'),
    status: 'failed',
    problem: error.message ?? 'an error outside of the tests',
  }))
  return [...report.suites.flatMap((suite) => inSuite(suite, [])), ...outside]
}
