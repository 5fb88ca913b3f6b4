/** The page itself: for a keyboard, for a narrow screen, in light and in dark. */
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
