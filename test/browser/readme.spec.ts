/**
 * The README's start, run as printed: bundled by Vite into a page, with the package's name leading to its web door, and
 * with the address it names answered by a real ring's server.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { expect, test } from './tabs.ts'

const root = join(import.meta.dirname, '..', '..')
const printedAddress = 'http://localhost:7400'

/** The first block of TypeScript under "Use it". */
function readmeStart(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const block = /## Use it\n+```ts\n([\s\S]*?)```/.exec(readme)
  if (block === null) throw new Error('README.md has no start under "## Use it"')
  return block[1]!
}

/** The files of a page that runs `program`, by their paths. */
async function bundled(program: string): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'ringlet-readme-'))
  try {
    writeFileSync(join(folder, 'start.ts'), program)
    const page =
      '<!doctype html><title>Start</title><script type="module" src="./start.ts"></script>'
    writeFileSync(join(folder, 'index.html'), page)
    const built = await build({
      configFile: false,
      root: folder,
      logLevel: 'warn',
      resolve: { alias: { ringlet: join(root, 'web', 'index.ts') } },
      build: { write: false, target: 'es2024' },
    })
    const { output } = built as { output: { fileName: string; code?: string; source?: string }[] }
    return new Map(output.map((file) => [`/${file.fileName}`, file.code ?? file.source ?? '']))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** On loopback for real: Chromium lets no page that comes from elsewhere dial loopback. */
async function serve(files: ReadonlyMap<string, string>) {
  const server = createServer(({ url = '/' }, response) => {
    const body = files.get(url === '/' ? '/index.html' : url)
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `http://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

test("the README's start works as printed, in a bundled page", async ({ ring, page, context }) => {
  const printed = readmeStart()
  expect(printed).toContain(printedAddress)
  await using site = await serve(await bundled(printed))
  await context.route(`${printedAddress}/**`, async (route) => {
    const { pathname } = new URL(route.request().url())
    return route.fulfill({
      response: await route.fetch({ url: new URL(pathname, ring.page).href }),
    })
  })
  const failures: string[] = []
  page.on('pageerror', (error) => failures.push(String(error.stack)))

  const mugs: number[] = []
  for (let run = 1; run <= 3; run++) {
    const logged = page.waitForEvent('console', { predicate: (each) => each.type() === 'log' })
    await page.goto(site.address)
    const [items] = await Promise.all((await logged).args().map((arg) => arg.jsonValue()))
    mugs.push((items as { product: string; quantity: number }[])[0]!.quantity)
    // The peer is closed at the end of the program: its lock is free for the next run.
    await expect
      .poll(() => page.evaluate(async () => (await navigator.locks.query()).held?.length))
      .toBe(0)
  }
  expect(failures).toEqual([])
  expect(mugs).toEqual([mugs[0], mugs[0]! + 1, mugs[0]! + 2])
  // A program that ends at once has still delivered what it wrote.
  await expect.poll(() => ring.itemsAt(2, 'alice')).toMatchObject({ mug: mugs[2] })
})

test('the door for pages can be imported where there is no window', async () => {
  const door = pathToFileURL(join(root, 'web', 'index.ts')).href
  const program = `const { open, cart } = await import('${door}'); console.log(typeof open, cart.name)`
  const run = promisify(execFile)
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program])
  expect(stderr).toBe('')
  expect(stdout).toBe('function cart\n')
})
