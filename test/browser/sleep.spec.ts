/**
 * Tabs that the browser freezes and slows down: they thaw to the newest cart at once, nobody takes their silence for more
 * than it is, and one that slept while another delivered for it says that its place is taken.
 */
import { PlainBrowser } from './plain-browser.ts'
import { expect, test as base } from './tabs.ts'

const test = base.extend<{ plain: PlainBrowser }>({
  // Playwright reads what a fixture needs from the pattern.
  // oxlint-disable-next-line no-empty-pattern
  plain: async ({}, use) => {
    const plain = await PlainBrowser.start()
    await use(plain)
    await plain.close()
  },
})

/** Longer than two heartbeats: who is silent for so long is taken for gone. */
const longSleepMs = 12_000

test('a frozen tab thaws to the newest cart within seconds, and what it adds goes everywhere', async ({
  plain,
  url,
  openTab,
  peersToHold,
}) => {
  const sleeper = await plain.open(url)
  const other = await openTab()
  await sleeper.add('mug')
  await other.toShow({ mug: 1 })
  await sleeper.toShow({ mug: 1 })
  await sleeper.freeze()
  await other.add('lamp')
  await other.page.waitForTimeout(longSleepMs)
  await other.add('kite')
  // Nobody misses it: it is no member, and what others do needs no answer of it.
  await expect(other.status).toHaveText('Last change: everywhere')
  await expect(other.page.locator('#reach')).toContainText('All 3 peers answer.')

  await sleeper.thaw()
  const thawedAt = Date.now()
  await sleeper.toShow({ mug: 1, lamp: 1, kite: 1 })
  expect(Date.now() - thawedAt).toBeLessThan(5000)
  await sleeper.add('mug')
  await other.toShow({ mug: 2, lamp: 1, kite: 1 })
  await expect.poll(() => sleeper.text('#saved')).toBe('Last change: everywhere')
  await expect.poll(() => sleeper.text('#reach')).toContain('All 3 peers answer.')
  await peersToHold({ mug: 2, lamp: 1, kite: 1 })
})

test('a tab has said goodbye by the time it is frozen', async ({ plain, url }) => {
  const tab = await plain.open(url)
  await expect.poll(() => tab.text('#reach')).toContain('All 3 peers answer.')
  // What leaves, and what the browser says to the page, in order.
  await tab.run(`
    window.story = ''
    const { send } = WebSocket.prototype
    WebSocket.prototype.send = function (data) {
      story += data.byteLength > 0 ? '.' : ''
      return send.call(this, data)
    }
    for (const event of ['freeze', 'resume']) {
      document.addEventListener(event, () => { story += ' ' + event + ' ' }, { capture: true })
    }`)
  await tab.freeze()
  await tab.thaw()
  // Three links, and each message leaves as a length and a body.
  await expect.poll(() => tab.run('story')).toMatch(/ freeze \.{6,} resume /)
})

test('a frozen tab loses its slot to one that delivers for it, and says so when it thaws', async ({
  plain,
  url,
  peersToHold,
}) => {
  const sleeper = await plain.open(url)
  const living = await plain.open(url)
  await sleeper.run(`document.querySelector('[role=switch]').click()`)
  await sleeper.add('mug')
  await sleeper.toShow({ mug: 1 })
  await expect.poll(() => sleeper.text('#saved')).toBe('Last change: on this device')
  await sleeper.freeze()
  await living.toShow({ mug: 1 }, 40_000)
  await peersToHold({ mug: 1 })
  await living.add('mug')
  await peersToHold({ mug: 2 })

  await sleeper.thaw()
  await expect.poll(() => sleeper.text('[role=alert]')).toContain('code: slot-taken')
  await sleeper.add('mug')
  await sleeper.run('new Promise((resolve) => setTimeout(resolve, 1000))')
  expect(await sleeper.text('[role=alert]')).toContain('code: slot-taken')
  await peersToHold({ mug: 2 })
})

test('a frozen tab that owes nothing keeps its slot', async ({ plain, url, peersToHold }) => {
  const sleeper = await plain.open(url)
  const living = await plain.open(url)
  const identity = await sleeper.text('#peer')
  await sleeper.add('mug')
  await expect.poll(() => sleeper.text('#saved')).toBe('Last change: everywhere')
  await sleeper.freeze()
  await living.add('lamp')
  await living.run('new Promise((resolve) => setTimeout(resolve, 14_000))')
  await sleeper.thaw()
  await sleeper.toShow({ mug: 1, lamp: 1 })
  await sleeper.add('kite')
  await living.toShow({ mug: 1, lamp: 1, kite: 1 })
  expect(await sleeper.text('#peer')).toBe(identity)
  await peersToHold({ mug: 1, lamp: 1, kite: 1 })
})

for (const [pace, slowTo] of [
  ['a second', 1000],
  ['a minute', 60_000],
] as const) {
  test(`a tab with one timer ${pace} keeps its links, hears of changes at once, and delivers`, async ({
    context,
    openTab,
    peersToHold,
  }) => {
    await context.addInitScript(slowTimers)
    const [slow, other] = [await openTab(), await openTab()]
    await slow.add('mug')
    await other.toShow({ mug: 1 })
    await expect(slow.page.locator('#reach')).toContainText('All 3 peers answer.')
    await slow.page.evaluate((ms) => Object.assign(window, { slowTo: ms }), slowTo)
    const links = slow.openedSockets
    for (let round = 1; round <= 5; round++) {
      await other.add('lamp')
      await slow.toShow({ mug: round, lamp: round }, 5000)
      await slow.add('mug')
      await other.toShow({ mug: round + 1, lamp: round }, 5000)
      await other.page.waitForTimeout(2500)
    }
    expect(slow.openedSockets).toBe(links)
    expect(slow.openSockets).toBe(3)
    await peersToHold({ mug: 6, lamp: 5 })
  })
}

/** Run in a page before its scripts: timers as the browser gives them to hidden pages, once `slowTo` is set. */
function slowTimers(): void {
  const { setTimeout: start, clearTimeout: stop } = window
  const running = new Map<number, ReturnType<typeof setTimeout>>()
  let timers = 1_000_000
  const set = (run: () => void, delayMs: number, repeat: boolean): number => {
    const timer = ++timers
    const wait = (): void => {
      const { slowTo = 1 } = window as { slowTo?: number }
      const due = Math.ceil((Date.now() + delayMs) / slowTo) * slowTo
      const ring = (): void => {
        if (repeat) wait()
        else running.delete(timer)
        run()
      }
      running.set(timer, start.call(window, ring, due - Date.now()))
    }
    wait()
    return timer
  }
  const clear = (timer?: number): void => {
    stop.call(window, running.get(timer ?? 0))
    running.delete(timer ?? 0)
  }
  const slowed = {
    setTimeout: (run: () => void, delayMs = 0) => set(run, delayMs, false),
    setInterval: (run: () => void, delayMs = 0) => set(run, delayMs, true),
    clearTimeout: clear,
    clearInterval: clear,
  }
  Object.assign(window, slowed)
}

test('a tab on a machine ten times as slow keeps its links and shows the newest cart', async ({
  context,
  openTab,
  peersToHold,
}) => {
  const [slow, other] = [await openTab(), await openTab()]
  await slow.add('mug')
  await other.toShow({ mug: 1 })
  const links = slow.openedSockets
  const browser = await context.newCDPSession(slow.page)
  await browser.send('Emulation.setCPUThrottlingRate', { rate: 10 })
  for (let round = 1; round <= 4; round++) {
    await other.add('lamp')
    await slow.toShow({ mug: 1, lamp: round }, 10_000)
    await other.page.waitForTimeout(2500)
  }
  expect(slow.openedSockets).toBe(links)
  await browser.send('Emulation.setCPUThrottlingRate', { rate: 1 })
  await slow.add('mug')
  await peersToHold({ mug: 2, lamp: 4 })
})
