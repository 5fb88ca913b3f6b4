/** The page itself: for a keyboard, for a screen reader, for a narrow screen, in light and in dark. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from './tabs.ts'

test('one can shop with the keyboard alone, and the focus never gets lost', async ({ openTab }) => {
  const tab = await openTab()
  const { page } = tab
  await expect(page.getByRole('button', { name: /^Add \w+ to cart$/ })).toHaveCount(12)
  const focused = page.locator(':focus')
  await page.keyboard.press('Tab')
  await expect(focused).toHaveText(/^Cart of /)
  await page.keyboard.press('Tab')
  await expect(focused).toHaveText('Ring')
  await page.keyboard.press('Tab')
  await expect(tab.cutSwitch).toBeFocused()
  for (const product of ['mug', 'teapot', 'book']) {
    await page.keyboard.press('Tab')
    await expect(focused).toHaveText(`Add ${product} to cart`)
    await page.keyboard.press('Enter')
  }
  await tab.toShow({ book: 1, mug: 1, teapot: 1 })
  await page.getByRole('button', { name: 'Remove mug from cart' }).focus()
  await page.keyboard.press('Space')
  await expect(focused).toHaveText('Remove teapot from cart')
  await page.keyboard.press('Space')
  await expect(focused).toHaveText('Remove book from cart')
  await page.keyboard.press('Space')
  await expect(page.getByRole('heading', { name: 'Cart', exact: true })).toBeFocused()
  await tab.toShow({})
})

test('a change from another tab leaves the focus where it is', async ({ openTab }) => {
  const ours = await openTab()
  const theirs = await openTab()
  for (const product of ['clock', 'mug']) await ours.add(product)
  const remove = ours.page.getByRole('button', { name: 'Remove mug from cart' })
  await remove.focus()
  await theirs.add('book')
  await theirs.toShow({ book: 1, clock: 1, mug: 1 })
  await theirs.remove('clock')
  await theirs.add('mug')
  await ours.toShow({ book: 1, mug: 2 })
  await expect(remove).toBeFocused()
})

test('a line that goes by a step hands the focus to the same step of its neighbour', async ({
  openTab,
}) => {
  const tab = await openTab()
  const { page } = tab
  for (const product of ['clock', 'mug']) await tab.add(product)
  await tab.toShow({ clock: 1, mug: 1 })
  await page.getByRole('button', { name: 'One clock fewer' }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'One mug fewer' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Cart', exact: true })).toBeFocused()
  const undo = page.getByRole('button', { name: /^Undo/ })
  await undo.focus()
  for (let changes = 0; changes < 4; changes++) await page.keyboard.press('Enter')
  await expect(undo).toHaveText('Undo')
  await expect(undo).toBeFocused()
})

test('the carts and the ring open and close by the keyboard, and the focus comes back', async ({
  openTab,
}) => {
  const { page } = await openTab()
  const choose = page.getByRole('button', { name: /^Cart of/ })
  await choose.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  await expect(choose).toBeFocused()

  const ring = page.getByRole('button', { name: 'Ring' })
  await ring.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: /^Ring / })).toBeFocused()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('complementary')).toBeHidden()
  await expect(ring).toBeFocused()
})

test('a screen reader hears what became of the cart, once it has settled', async ({ openTab }) => {
  const tab = await openTab()
  const spoken = tab.page.getByRole('status')
  await expect(spoken).toContainText(/^Cart of .*: 0 things\. No change yet/)
  await spoken.evaluate((region) => {
    const said: string[] = []
    Object.assign(globalThis, { said })
    new MutationObserver(() => said.push(region.textContent)).observe(region, {
      childList: true,
      characterData: true,
      subtree: true,
    })
  })
  const said = (): Promise<string[]> =>
    tab.page.evaluate(() => (globalThis as unknown as { said: string[] }).said)
  // In one go: however slow the machine is, what is between them is no moment of rest.
  await tab.page.getByRole('button', { name: 'Add mug to cart' }).evaluate((button) => {
    for (let clicks = 0; clicks < 5; clicks++) (button as HTMLButtonElement).click()
  })
  await expect(tab.status).toHaveText('Last change: everywhere')
  const afterFive = expect.poll(async () => (await said()).join(' '))
  await afterFive.toMatch(/^mug: 5 in the cart\. .*Last change: everywhere\.$/)
  const count = (await said()).length
  // Five clicks went through three stages each.
  expect(count).toBeLessThan(4)
  await tab.add('mug')
  await expect.poll(async () => (await said())[count]).toMatch(/^mug: 6 in the cart\./)
})

test('it asks nobody but its own server and its ring', async ({ openTab, context, ring }) => {
  const asked = new Set<string>()
  context.on('request', (request) => asked.add(new URL(request.url()).host))
  context.on('page', (page) =>
    page.on('websocket', (socket) => asked.add(new URL(socket.url()).host)),
  )
  const tab = await openTab()
  await tab.add('mug')
  await tab.page.getByRole('button', { name: 'Ring' }).click()
  await expect(tab.page.getByText('holds it all')).toHaveCount(3)
  const ports = ring.file.bootstrap.flatMap(
    (address) => /\/tcp\/(\d+)\/ws/.exec(address)?.[1] ?? [],
  )
  expect(ports).toHaveLength(3)
  const peers = ports.map((port) => `127.0.0.1:${port}`)
  expect([...asked].toSorted()).toEqual([new URL(ring.page).host, ...peers].toSorted())
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [360, 1280]) {
    test(`it fits and can be read at ${width} px in ${colorScheme}`, async ({
      browser,
      openTab,
      ring,
      key,
    }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 700 } })
      const tab = await openTab(context)
      for (const product of ['umbrella', 'backpack']) await tab.add(product)
      await tab.cutOff()
      await expectToFit(tab.page)
      await tab.cutSwitch.uncheck()
      await ring.put(key, { note: 'x'.repeat(300) })
      await expect(tab.trouble).toBeVisible()
      await expectToFit(tab.page)
      await context.close()
    })
  }
}

const looks = [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'light', viewport: { width: 360, height: 700 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 700 } },
] as const

for (const look of looks) {
  const { colorScheme, viewport } = look
  test(`axe finds nothing in any state at ${viewport.width} px in ${colorScheme}`, async ({
    browser,
    openTab,
    ring,
    key,
  }) => {
    // Each look takes axe seconds on a busy machine.
    test.slow()
    const context = await browser.newContext({ ...look, reducedMotion: 'reduce' })
    const tab = await openTab(context)
    const { page } = tab
    await expectNoViolations(page, 'empty')
    for (const product of ['mug', 'umbrella']) await tab.add(product)
    await tab.toShow({ mug: 1, umbrella: 1 })
    await expect(tab.status).toHaveText('Last change: everywhere')
    await expectNoViolations(page, 'filled')
    await page.getByRole('button', { name: 'Ring' }).click()
    await expect(page.getByText('holds it all').first()).toBeVisible()
    await expectNoViolations(page, 'panel open')
    await tab.cutOff()
    await tab.add('kite')
    await expect(tab.status).toHaveText('Last change: on this device')
    await expectNoViolations(page, 'cut off')
    await page.getByRole('button', { name: /^Cart of/ }).click()
    await expect(page.getByRole('dialog')).toBeVisible()
    await expectNoViolations(page, 'carts')
    await page.keyboard.press('Escape')
    await tab.cutSwitch.uncheck()
    await ring.put(key, { note: 'no cart' })
    await expect(tab.trouble).toBeVisible()
    await expectNoViolations(page, 'error')
    await context.close()
  })
}

async function expectNoViolations(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  )
  expect(found, state).toEqual([])
}

/** Nothing sticks out at the side, no text is cut off, and all of it has the contrast that WCAG AA asks for. */
async function expectToFit(page: Page): Promise<void> {
  const { tooWide, faint } = await page.evaluate(() => {
    const luminance = (colour: string): number => {
      const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
        const share = Number(part) / 255
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const groundOf = (element: Element | null): string => {
      if (element === null) return 'rgb(255, 255, 255)'
      const { backgroundColor } = getComputedStyle(element)
      const isClear = backgroundColor === 'transparent' || backgroundColor.endsWith(', 0)')
      return isClear ? groundOf(element.parentElement) : backgroundColor
    }
    const seen = [...document.body.querySelectorAll<HTMLElement>('*')].filter(
      (element) => element.checkVisibility() && !element.classList.contains('unseen'),
    )
    const withText = seen.filter((element) =>
      [...element.childNodes].some(({ nodeType, textContent }) => {
        return nodeType === Node.TEXT_NODE && textContent?.trim() !== ''
      }),
    )
    const contrast = (element: Element): number => {
      const lights = [getComputedStyle(element).color, groundOf(element)].map(luminance)
      return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05)
    }
    return {
      tooWide: seen
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map(({ outerHTML }) => outerHTML.slice(0, 100)),
      faint: withText
        .filter((element) => element.tagName !== 'SCRIPT' && contrast(element) < 4.5)
        .map((element) => `${contrast(element).toFixed(1)} ${element.outerHTML.slice(0, 100)}`),
    }
  })
  expect(tooWide).toEqual([])
  expect(faint).toEqual([])
}
