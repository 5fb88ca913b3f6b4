/** The README's start, run as printed: in a file of its own, by the package's name, against a real ring. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { emptyFolder, TestRing } from './dev-ring.ts'

const root = join(import.meta.dirname, '..', '..')

/** The first block of TypeScript under "Use it". */
function readmeStart(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const block = /## Use it\n+```ts\n([\s\S]*?)```/.exec(readme)
  if (block === null) throw new Error('README.md has no start under "## Use it"')
  return block[1]!
}

test("the README's start works as printed, in Node", { timeout: 60_000 }, async () => {
  using folder = emptyFolder()
  await using ring = await TestRing.start(folder.path)
  // Inside the package, its own name resolves to what it exports.
  const place = join(root, '.reports', `readme-${process.pid}`)
  try {
    mkdirSync(place, { recursive: true })
    const printed = readmeStart()
    expect(printed).toContain('http://localhost:7400')
    const program = join(place, 'start.ts')
    writeFileSync(program, printed.replace('http://localhost:7400', ring.ports.page))
    const run = promisify(execFile)
    // The package's exports point into what the compiler writes.
    await run(join(root, 'node_modules', '.bin', 'tsc'), ['-b'], { cwd: root })
    const { stdout, stderr } = await run(process.execPath, [program], { timeout: 30_000 })
    expect(stderr).toBe('')
    expect(stdout).toContain("[ { product: 'mug', quantity: 1 } ]")
    const again = await run(process.execPath, [program], { timeout: 30_000 })
    expect(again.stdout).toContain("[ { product: 'mug', quantity: 2 } ]")
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
})
