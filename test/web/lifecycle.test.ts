/** What the browser does to a page, and what its peer is told of it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { followLifecycle } from '../../web/lifecycle.ts'

let told: string[] = []
let isItself: () => Promise<boolean>
let ended = new AbortController()

beforeEach(() => {
  told = []
  isItself = async () => true
  ended = new AbortController()
  const peer = {
    sleep: () => told.push('sleep'),
    wake: () => told.push('wake'),
    isItself: () => isItself(),
  }
  followLifecycle(peer, ended.signal)
})

afterEach(() => {
  ended.abort()
  vi.restoreAllMocks()
})

const page = (type: string): unknown => document.dispatchEvent(new Event(type))
const frame = (type: string): unknown => dispatchEvent(new Event(type))

/** What is waited for in microtasks has come. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve)
  })
}

test.each([
  ['is frozen', () => page('freeze'), () => page('resume')],
  ['is left and kept', () => frame('pagehide'), () => frame('pageshow')],
])('a page that %s sleeps at once, and wakes when it is back', async (_what, leave, comeBack) => {
  leave()
  expect(told).toEqual(['sleep'])
  await settled()
  expect(told).toEqual(['sleep'])
  comeBack()
  await settled()
  expect(told).toEqual(['sleep', 'wake'])
})

test('a page that is left, kept and frozen wakes once', async () => {
  frame('pagehide')
  page('freeze')
  page('resume')
  frame('pageshow')
  await settled()
  expect(told.filter((word) => word === 'wake')).toHaveLength(1)
})

test('a page that is shown for the first time was awake all along', async () => {
  frame('pageshow')
  await settled()
  expect(told).toEqual([])
})

test('who is no longer itself never wakes', async () => {
  isItself = async () => false
  page('freeze')
  page('resume')
  await settled()
  expect(told).toEqual(['sleep'])
})

test('a page that is frozen again before it is known who it is sleeps on', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  isItself = () => promise
  page('freeze')
  page('resume')
  page('freeze')
  resolve(true)
  await settled()
  expect(told).toEqual(['sleep', 'sleep'])
  page('resume')
  await settled()
  expect(told).toEqual(['sleep', 'sleep', 'wake'])
})

test.each(['online', 'offline'])('the word “%s” is a reason to ask who answers', async (word) => {
  frame(word)
  expect(told).toEqual(['wake'])
  page('freeze')
  frame(word)
  await settled()
  expect(told).toEqual(['wake', 'sleep'])
})

test('who is looked at again asks who answers, and who is out of sight goes on', () => {
  const state = vi.spyOn(document, 'visibilityState', 'get')
  state.mockReturnValue('hidden')
  page('visibilitychange')
  expect(told).toEqual([])
  state.mockReturnValue('visible')
  page('visibilitychange')
  expect(told).toEqual(['wake'])
})

test('what the browser says after the end concerns nobody', async () => {
  page('freeze')
  page('resume')
  ended.abort()
  await settled()
  page('freeze')
  frame('online')
  frame('pagehide')
  expect(told).toEqual(['sleep'])
})
