/** Slots in a real browser's locks and storages: who gets which, and who has to wait. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Slot, takeSlot } from '../../web/slots.ts'

let ring = ''
let rings = 0
const held: Slot[] = []

beforeEach(() => {
  ring = `ring-${++rings}`
})

afterEach(() => {
  vi.unstubAllGlobals()
  for (const slot of held.splice(0)) slot.release()
  sessionStorage.clear()
  localStorage.clear()
})

async function take(of = ring): Promise<number | undefined> {
  const slot = await takeSlot(of)
  if (slot !== undefined) held.push(slot)
  return slot?.number
}

/** Another tab's hold on a slot: the lock alone, and no memory of it in this page. */
async function otherTab(number: number): Promise<() => void> {
  const { promise: end, resolve: release } = Promise.withResolvers<void>()
  const { promise: granted, resolve: grant } = Promise.withResolvers<void>()
  void navigator.locks.request(`ringlet:${ring}:${number}`, () => {
    grant()
    return end
  })
  await granted
  return release
}

test('slots are handed out from the lowest, each once', async () => {
  expect(await take()).toBe(0)
  expect(await take()).toBe(1)
  expect(await take()).toBe(2)
})

test('a slot that is released is free again', async () => {
  await take()
  await take()
  held.shift()!.release()
  await vi.waitFor(async () => {
    const { held: locks = [] } = await navigator.locks.query()
    expect(locks.some(({ name }) => name === `ringlet:${ring}:0`)).toBe(false)
  })
  expect(await take()).toBe(0)
})

test('asking for many at once hands out as many different ones', async () => {
  const numbers = await Promise.all(Array.from({ length: 8 }, () => take()))
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]))
})

test('rings do not share slots', async () => {
  expect(await take()).toBe(0)
  expect(await take(`${ring}-other`)).toBe(0)
})

test('a tab that is reloaded takes its slot back, not the lowest', async () => {
  sessionStorage.setItem(`ringlet:${ring}:slot`, '3')
  expect(await take()).toBe(3)
  // Of this tab's further peers none is the one to come back to.
  expect(await take()).toBe(0)
  expect(sessionStorage.getItem(`ringlet:${ring}:slot`)).toBe('3')
})

test('a tab that is reloaded waits a moment for the page before it to let go', async () => {
  sessionStorage.setItem(`ringlet:${ring}:slot`, '0')
  const release = await otherTab(0)
  const asked = take()
  setTimeout(release, 300)
  expect(await asked).toBe(0)
})

test('a duplicated tab waits no longer than a second, and then is another', async () => {
  sessionStorage.setItem(`ringlet:${ring}:slot`, '0')
  const release = await otherTab(0)
  const startedAt = performance.now()
  expect(await take()).toBe(1)
  expect(performance.now() - startedAt).toBeLessThan(2000)
  expect(sessionStorage.getItem(`ringlet:${ring}:slot`)).toBe('1')
  release()
})

test('slots that owe something come first, while they owe it', async () => {
  const first = (await takeSlot(ring))!
  const second = (await takeSlot(ring))!
  second.owes(true)
  second.release()
  first.release()
  sessionStorage.clear()
  await vi.waitFor(async () => {
    expect((await navigator.locks.query()).held).toEqual([])
  })
  const heir = (await takeSlot(ring))!
  held.push(heir)
  expect(heir.number).toBe(1)
  heir.owes(false)
  expect(Object.keys(localStorage)).toEqual([])
  expect(await take()).toBe(0)
})

test('a slot that owes something and is held by another tab is left to it', async () => {
  localStorage.setItem(`ringlet:${ring}:owing:2`, 'yes')
  const release = await otherTab(2)
  expect(await take()).toBe(0)
  release()
})

test('what others wrote into the storages is no slot', async () => {
  sessionStorage.setItem(`ringlet:${ring}:slot`, '-1')
  localStorage.setItem(`ringlet:${ring}:owing:many`, 'yes')
  expect(await take()).toBe(0)
})

test('without Web Locks there are no slots', async () => {
  vi.stubGlobal('navigator', { locks: undefined })
  expect(await take()).toBeUndefined()
})

test('where the browser forbids locks there are no slots', async () => {
  const request = (): Promise<never> => Promise.reject(new DOMException('no', 'SecurityError'))
  vi.stubGlobal('navigator', { locks: { request } })
  expect(await take()).toBeUndefined()
})

test('where nothing can be stored slots go by the locks alone', async () => {
  vi.stubGlobal('sessionStorage', undefined)
  vi.stubGlobal('localStorage', undefined)
  expect(await take()).toBe(0)
  expect(await take()).toBe(1)
})
