/**
 * The page without its server: it was opened once, and the server is really gone, or silent, or newer.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from '@playwright/test'
import type { Listening } from '../../node/http.ts'
import { servePage } from '../../node/page-server.ts'
import { readRingFile } from '../../src/protocol/ring-file.ts'
import { chromiumPath } from '../chromium.js'
import type { Ring } from './ring.ts'
import { expect, Tab, test as base } from './tabs.ts'

const built = join(import.meta.dirname, '..', '..', 'dist', 'cart')

/** A server of the page beside the ring's own, to be stopped and started again at one port. */
class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringlet-page-'))
  readonly #ring: Ring
  #server: Listening | undefined
  #port = 0

  constructor(ring: Ring) {
    this.#ring = ring
    cpSync(built, this.folder, { recursive: true })
  }

  get address(): string {
    return `http://localhost:${this.#port}/`
  }

  async start(): Promise<void> {
    const ring = readRingFile(this.#ring.file)
    this.#server = await servePage({ port: this.#port, folder: this.folder, ring })
    this.#port = this.#server.port
  }

  /** Resolves once the port is free, with whatever was under way cut. */
  async stop(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }

  /** In the server's place: takes connections, and says nothing. */
  async startSilent(): Promise<() => Promise<void>> {
    const sockets = new Set<{ destroy(): void }>()
    const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    return async () => {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    }
  }

  /** As another build would be: another page, and a service worker of another version. */
  publish(title: string): void {
    this.#edit('index.html', (text) => text.replace(/<body[^>]*>/, `<body data-build="${title}">`))
    this.#edit('service-worker.js', (text) =>
      text.replace(/pageVersion="[^"]*"/, `pageVersion="${title}"`),
    )
  }

  #edit(name: string, change: (text: string) => string): void {
    const path = join(this.folder, name)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  }
}

const test = base.extend<{ site: Site }>({
  site: async ({ ring }, use) => {
    const site = new Site(ring)
    await site.start()
    await use(site)
    await site.stop()
    rmSync(site.folder, { recursive: true, force: true })
  },
})

/** Opens the page and waits until it is kept. */
async function openKept(context: BrowserContext, url: string): Promise<Tab> {
  const tab = await new Tab(await context.newPage()).show(url)
  await tab.page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  return tab
}

const keptIn = (page: Page): Promise<string[]> => page.evaluate(() => caches.keys())

test('it opens and sells without its server, and its ring still hears of it', async ({
  site,
  context,
  key,
  peersToHold,
}) => {
  const url = `${site.address}?cart=${key}`
  const first = await openKept(context, url)
  await first.add('mug')
  await expect(first.status).toHaveText('Last change: everywhere')
  await first.page.close()
  await site.stop()

  const tab = await new Tab(await context.newPage()).show(url)
  await tab.toShow({ mug: 1 })
  await tab.add('kite')
  await tab.toShow({ kite: 1, mug: 1 })
  await peersToHold({ kite: 1, mug: 1 })
  // Parts that nobody has looked at yet are there as well, and so are the drawings.
  await tab.page.getByRole('button', { name: 'Ring' }).click()
  await expect(tab.page.getByText('holds it all')).toHaveCount(3)
  const drawn = await tab.page.evaluate(async () => {
    const [use] = document.querySelectorAll('.card use')
    return (await fetch(use!.getAttribute('href')!)).text()
  })
  expect(drawn).toContain('id="mug"')
  await tab.reload()
  await tab.toShow({ kite: 1, mug: 1 })
})

test('another cart opens without the server, and neither the ring file nor anything else is kept', async ({
  site,
  context,
  key,
}) => {
  const tab = await openKept(context, `${site.address}?cart=${key}`)
  const kept = await tab.page.evaluate(async () => {
    const [name = ''] = await caches.keys()
    const requests = await (await caches.open(name)).keys()
    return requests.map(({ url }) => new URL(url).pathname)
  })
  expect(kept).toContain('/')
  expect(kept.filter((path) => path !== '/' && !path.startsWith('/assets/'))).toEqual([])
  await site.stop()
  await tab.show(`${site.address}?cart=${key}-other`)
  await tab.toShow({})
  const fetched = await tab.page.evaluate(() =>
    fetch('/.well-known/ringlet.json').then(
      () => 'kept',
      () => 'gone',
    ),
  )
  expect(fetched).toBe('gone')
})

test('a server that takes connections and says nothing is not waited for', async ({
  site,
  context,
  key,
}) => {
  const url = `${site.address}?cart=${key}`
  const first = await openKept(context, url)
  await first.add('lamp')
  await expect(first.status).toHaveText('Last change: everywhere')
  await first.page.close()
  await site.stop()
  const stopSilence = await site.startSilent()
  const tab = await new Tab(await context.newPage()).show(url)
  await tab.toShow({ lamp: 1 })
  await stopSilence()
})

test('a newer page is taken at the next load, kept from then on, and old ones go', async ({
  site,
  context,
  key,
}) => {
  const url = `${site.address}?cart=${key}`
  const tab = await openKept(context, url)
  const [first] = await keptIn(tab.page)
  for (const title of ['second', 'third', 'fourth']) {
    site.publish(title)
    await tab.reload()
    await expect(tab.page.locator('body')).toHaveAttribute('data-build', title)
    await expect.poll(() => keptIn(tab.page)).toContain(`ringlet-page:${title}`)
  }
  // The one before stays, for tabs that still show it.
  await expect.poll(() => keptIn(tab.page)).toEqual(['ringlet-page:third', 'ringlet-page:fourth'])
  expect(first).toMatch(/^ringlet-page:/)
  await site.stop()
  await tab.reload()
  await expect(tab.page.locator('body')).toHaveAttribute('data-build', 'fourth')
})

test('its service worker is served as what it is, and stands where it governs the page', async ({
  site,
}) => {
  const served = await fetch(`${site.address}service-worker.js`)
  expect(served.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(served.headers.get('cache-control')).toBe('no-cache')
  expect(served.headers.get('x-content-type-options')).toBe('nosniff')
})

test('where the page is not secure there is no service worker, and it works all the same', async ({
  site,
  key,
}) => {
  const args = ['--host-resolver-rules=MAP shop.test 127.0.0.1']
  const browser = await chromium.launch({ executablePath: chromiumPath(), args })
  try {
    const tab = new Tab(await browser.newPage())
    await tab.show(`${site.address.replace('localhost', 'shop.test')}?cart=${key}`)
    expect(await tab.page.evaluate(() => 'serviceWorker' in navigator)).toBe(false)
    await tab.add('book')
    await tab.toShow({ book: 1 })
    await expect(tab.trouble).toBeHidden()
  } finally {
    await browser.close()
  }
})
