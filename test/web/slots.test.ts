/** Slots in a real browser's locks and storages: who gets which, and who has to wait. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  adoptSlot,
  noteSleep,
  owingSlots,
  type Slot,
  slotChannel,
  slotHolders,
  takeSlot,
  type Word,
} from '../../web/slots.ts'

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

/** Another tab's ear. */
function hear(): { readonly channel: BroadcastChannel; readonly words: Word[] } {
  const channel = slotChannel(ring)
  const words: Word[] = []
  channel.onmessage = ({ data }: MessageEvent<Word>) => words.push(data)
  return { channel, words }
}

/** What is said last is heard last: whoever was to answer has answered by then. */
async function untilAllIsHeard({ words }: { readonly words: readonly Word[] }): Promise<void> {
  const [asker, slot] = [slotChannel(ring), 1000 + words.length]
  asker.postMessage({ say: 'wanted', slot } satisfies Word)
  await vi.waitFor(() => expect(words.at(-1)).toEqual({ say: 'wanted', slot }))
  asker.close()
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

test('a slot answers whether it is alive, until it is released', async () => {
  const slot = (await takeSlot(ring))!
  const heard = hear()
  heard.channel.postMessage({ say: 'alive?', slot: 0 })
  await vi.waitFor(() => expect(heard.words).toEqual([{ say: 'alive', slot: 0 }]))
  heard.channel.postMessage({ say: 'alive?', slot: 1 })
  noteSleep(true)
  heard.channel.postMessage({ say: 'alive?', slot: 0 })
  await untilAllIsHeard(heard)
  expect(heard.words).toHaveLength(2)
  noteSleep(false)
  heard.channel.postMessage({ say: 'alive?', slot: 0 })
  await vi.waitFor(() => expect(heard.words).toHaveLength(3))
  slot.release()
  heard.channel.postMessage({ say: 'alive?', slot: 0 })
  await untilAllIsHeard(heard)
  expect(heard.words).toHaveLength(4)
  heard.channel.close()
})

test('a tab that comes back asks for its slot, and who has adopted it hears so', async () => {
  const heard = hear()
  sessionStorage.setItem(`ringlet:${ring}:slot`, '4')
  expect(await take()).toBe(4)
  await vi.waitFor(() => expect(heard.words).toEqual([{ say: 'wanted', slot: 4 }]))
  const adopted = (await adoptSlot(ring, 5, false))!
  heard.channel.postMessage({ say: 'wanted', slot: 5 })
  await adopted.wanted
  adopted.release()
  heard.channel.close()
})

test('a slot that is held is not adopted, unless by force, and its holder hears that it is lost', async () => {
  const slot = (await takeSlot(ring))!
  expect(await adoptSlot(ring, 0, false)).toBeUndefined()
  slot.owes(true)
  const thief = (await adoptSlot(ring, 0, true))!
  await slot.lost
  // The mark is the thief's by now.
  slot.owes(false)
  expect(Object.keys(localStorage)).toEqual([`ringlet:${ring}:owing:0`])
  slot.release()
  expect((await slotHolders(ring)).has(0)).toBe(true)
  thief.owes(false)
  expect(Object.keys(localStorage)).toEqual([])
  thief.release()
})

test('a slot that is adopted is not the one to come back to', async () => {
  const adopted = (await adoptSlot(ring, 3, false))!
  expect(Object.keys(sessionStorage)).toEqual([])
  adopted.release()
})

test('what owes and is held here is no other tab’s to deliver', async () => {
  localStorage.setItem(`ringlet:${ring}:owing:7`, 'yes')
  localStorage.setItem(`ringlet:${ring}-other:owing:8`, 'yes')
  expect(owingSlots(ring)).toEqual([7])
  const slot = (await adoptSlot(ring, 7, false))!
  expect(owingSlots(ring)).toEqual([])
  slot.release()
  expect(owingSlots(ring)).toEqual([7])
})

test('each slot that is held is known with who holds it', async () => {
  expect(await take()).toBe(0)
  const frame = document.body.appendChild(document.createElement('iframe'))
  const { promise: granted, resolve: grant } = Promise.withResolvers<void>()
  void frame.contentWindow!.navigator.locks.request(`ringlet:${ring}:1`, () => {
    grant()
    return new Promise(() => {})
  })
  await granted
  const holders = await slotHolders(ring)
  expect(new Set(holders.keys())).toEqual(new Set([0, 1]))
  expect(holders.get(0)).not.toBe(holders.get(1))
  expect(await slotHolders(`${ring}-other`)).toEqual(new Map())
  frame.remove()
  await vi.waitFor(async () => expect((await slotHolders(ring)).has(1)).toBe(false))
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
