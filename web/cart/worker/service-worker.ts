/**
 * Keeps the page for a device that has no network, or a server that is gone.
 *
 * The page itself is asked for first, for a moment, so that a new one is taken as soon as there is one; its assets have a
 * hash in their names, so one that is kept is as good as any. Nothing else is touched, and nothing else is kept: not the
 * ring's file above all, which the product pins itself, and must not be believed from a cache.
 *
 * A version keeps all its files from the start: a part that is wanted later must not be missing then. Tabs may still
 * show the version before, and load parts of it, so that one is kept too; older ones go.
 */

/** Given by the build: the hash of the whole page, and the addresses of its files. */
declare const pageVersion: string
declare const pageFiles: readonly string[]
declare const self: ServiceWorkerGlobalScope

const prefix = 'ringlet-page:'
const own = prefix + pageVersion
/** With the page at hand, a slow server is not waited for long. */
const patienceMs = 2500
const { scope } = self.registration

self.addEventListener('install', (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET') return
  if (isPage(request)) event.respondWith(freshPage(request))
  else if (request.url.startsWith(`${scope}assets/`)) event.respondWith(keptAsset(request))
})

async function keepAll(): Promise<void> {
  const cache = await caches.open(own)
  // The page not from the browser's own cache: there it may be an earlier one.
  const requests = [new Request(scope, { cache: 'reload' }), ...pageFiles]
  await cache.addAll(requests)
}

async function dropOld(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== own)
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
}

function isPage({ mode, url }: Request): boolean {
  const { origin, pathname } = new URL(url)
  const address = origin + pathname
  return mode === 'navigate' && (address === scope || address === `${scope}index.html`)
}

async function freshPage(request: Request): Promise<Response> {
  const served = fetch(request)
  const late = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), patienceMs)
  })
  const response = await Promise.race([served.catch(() => undefined), late])
  if (response?.ok === true) return response
  const kept = await (await caches.open(own)).match(scope)
  return kept ?? served
}

async function keptAsset(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request)
}
