/** A ring file by its address: fetched, pinned, and never switched silently. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { writeRingFile } from '../../src/protocol/ring-file.ts'
import { forgetRing, ringOfPage } from '../../web/pinned-ring.ts'

const address = 'http://shop.test:7400'
const url = `${address}/.well-known/ringlet.json`
const identity = { name: 'shop', id: 'eaYVj4Uqflm3xAHmXd-NTg', n: 3, q: 64, durableOwners: 3 }
const here = { identity, bootstrap: ['/ip4/127.0.0.1/tcp/1/ws'] }
const moved = { identity, bootstrap: ['/ip4/127.0.0.1/tcp/2/ws'] }
const other = { identity: { ...identity, id: 'AAAAAAAAAAAAAAAAAAAAAA' }, bootstrap: [] }

const fetched: string[] = []

beforeEach(() => {
  fetched.length = 0
  localStorage.clear()
})

afterEach(() => vi.unstubAllGlobals())

type Answer = () => Response | Promise<Response>

function serve(answer: Answer): void {
  vi.stubGlobal('fetch', async (asked: string) => {
    fetched.push(asked)
    return answer()
  })
}

const file = (ring: Parameters<typeof writeRingFile>[0]) => () => new Response(writeRingFile(ring))
const nobody: Answer = () => Promise.reject(new TypeError('Failed to fetch'))

test('a server’s address leads to the well-known path, a full URL is taken as it is', async () => {
  serve(file(here))
  expect(await ringOfPage(address)).toEqual(here)
  await ringOfPage(`${address}/`)
  await ringOfPage('http://shop.test/rings/one.json?v=2')
  expect(fetched).toEqual([url, url, 'http://shop.test/rings/one.json?v=2'])
})

test('what was seen once is there without the network', async () => {
  serve(file(here))
  await ringOfPage(address)
  serve(nobody)
  expect(await ringOfPage(address)).toEqual(here)
})

test.each<[string, Answer]>([
  ['an error', () => new Response('gone', { status: 500 })],
  ['a page to log in', () => new Response('<p>Log in')],
  ['something else in JSON', () => new Response('{"ringlet": 99}')],
])('what was seen once is not given up for %s', async (_what, answer) => {
  serve(file(here))
  await ringOfPage(address)
  serve(answer)
  expect(await ringOfPage(address)).toEqual(here)
})

test('a server that does not answer is waited for two seconds, no more', async () => {
  serve(file(here))
  await ringOfPage(address)
  vi.stubGlobal('fetch', (_url: string, { signal }: RequestInit) => {
    const { promise, reject } = Promise.withResolvers<Response>()
    signal!.addEventListener('abort', () => reject(signal!.reason as Error))
    return promise
  })
  const startedAt = performance.now()
  expect(await ringOfPage(address)).toEqual(here)
  expect(performance.now() - startedAt).toBeLessThan(4000)
})

test('the same ring at new addresses is taken, and remembered', async () => {
  serve(file(here))
  await ringOfPage(address)
  serve(file(moved))
  expect(await ringOfPage(address)).toEqual(moved)
  serve(nobody)
  expect(await ringOfPage(address)).toEqual(moved)
})

test('another ring under the address is refused, again and again, until the first is forgotten', async () => {
  serve(file(here))
  await ringOfPage(address)
  serve(file(other))
  await expect(ringOfPage(address)).rejects.toMatchObject({ code: 'wrong-ring' })
  await expect(ringOfPage(address)).rejects.toMatchObject({ code: 'wrong-ring' })
  serve(nobody)
  expect(await ringOfPage(address)).toEqual(here)
  forgetRing(address)
  serve(file(other))
  expect(await ringOfPage(address)).toEqual(other)
})

test.each<[string, Answer, string]>([
  ['nobody answers', nobody, 'unreachable'],
  ['it is not there', () => new Response('no', { status: 404 }), 'ring-file'],
  ['it is no JSON', () => new Response('<p>'), 'ring-file'],
  ['it is no ring', () => new Response('{}'), 'ring-file'],
])('a ring that was never seen is an error with a remedy when %s', async (_what, answer, code) => {
  serve(answer)
  const remedy = expect.stringMatching(/./) as string
  await expect(ringOfPage(address)).rejects.toMatchObject({ code, remedy })
  expect(localStorage.length).toBe(0)
})

test.each(['localhost:7400', 'ftp://shop.test/', 'http://'])('%s is no address', async (text) => {
  serve(file(here))
  await expect(ringOfPage(text)).rejects.toMatchObject({ code: 'bad-argument' })
  expect(fetched).toEqual([])
})

test('a pin that was tampered with is as good as none', async () => {
  serve(file(here))
  await ringOfPage(address)
  const [key] = Object.keys(localStorage)
  localStorage.setItem(key!, '{"ringlet":')
  serve(file(other))
  expect(await ringOfPage(address)).toEqual(other)
})
