/**
 * A Chromium that is driven by its own protocol, for what Playwright does not allow: Playwright keeps every page that it
 * opens in sight, and a page in sight cannot be frozen.
 *
 * Its tabs have one profile, so that they share slots, and are read and clicked by scripts in the page.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import { chromiumPath } from '../chromium.js'
import type { Items } from './ring.ts'

type Answer = { readonly result?: unknown; readonly error?: { readonly message: string } }

export class PlainBrowser {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  static async start(): Promise<PlainBrowser> {
    const profile = mkdtempSync(join(tmpdir(), 'ringlet-plain-'))
    const args = ['--headless=new', '--no-first-run', '--remote-debugging-port=0']
    // Chromium's sandbox does not run as root.
    if (process.getuid?.() === 0) args.push('--no-sandbox')
    const child = spawn(chromiumPath(), [...args, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let output = ''
    const address = await new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (piece: Buffer) => {
        output += piece.toString()
        const [, found] = /listening on (ws:\S+)/.exec(output) ?? []
        if (found !== undefined) resolve(found)
      })
      child.once('exit', () => reject(new Error(`Chromium ended: ${output}`)))
    })
    const socket = new WebSocket(address)
    await once(socket, 'open')
    return new PlainBrowser(child, profile, socket)
  }

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child
    this.#profile = profile
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { id, ...answer } = JSON.parse(String(data)) as Answer & { id?: number }
      if (id === undefined) return
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    })
  }

  async open(url: string): Promise<PlainTab> {
    const { targetId } = await this.ask<{ targetId: string }>('Target.createTarget', { url })
    const attached = { targetId, flatten: true }
    const { sessionId } = await this.ask<{ sessionId: string }>('Target.attachToTarget', attached)
    const tab = new PlainTab(this, sessionId)
    await expect.poll(() => tab.text('#peer'), { timeout: 30_000 }).toMatch(/^12D3KooW/)
    return tab
  }

  async ask<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#asked
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.#waiting.set(id, resolve)
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    const { result, error } = await promise
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result as T
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#socket.close()
    this.#child.kill('SIGKILL')
    await ended
    // Its last children may still be writing.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

export class PlainTab {
  readonly #browser: PlainBrowser
  readonly #session: string

  constructor(browser: PlainBrowser, session: string) {
    this.#browser = browser
    this.#session = session
  }

  /** What a script in the page comes to. A frozen page answers when it thaws. */
  async run<T>(expression: string): Promise<T> {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.ask<{
      result: { value: T }
      exceptionDetails?: { text: string; exception?: { description?: string } }
    }>('Runtime.evaluate', asked)
    if (exceptionDetails === undefined) return result.value
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  }

  ask<T>(method: string, params: object = {}): Promise<T> {
    return this.#browser.ask<T>(method, params, this.#session)
  }

  /** The page is out of sight, and from then on nothing runs in it. */
  async freeze(): Promise<void> {
    await this.ask('Page.setWebLifecycleState', { state: 'frozen' })
  }

  async thaw(): Promise<void> {
    await this.ask('Page.setWebLifecycleState', { state: 'active' })
  }

  text(selector: string): Promise<string | undefined> {
    return this.run(`document.querySelector(${JSON.stringify(selector)})?.textContent`)
  }

  add(product: string): Promise<void> {
    return this.run(`
      [...document.querySelectorAll('button')]
        .find(({ textContent }) => textContent.trim() === 'Add ${product} to cart')
        .click()`)
  }

  items(): Promise<Items> {
    return this.run(`
      Object.fromEntries([...document.querySelectorAll('[aria-labelledby=cart-title] li')].map((line) =>
        [line.querySelector('.name').textContent, Number(line.querySelector('input').value)]))`)
  }

  async toShow(items: Items, timeout = 10_000): Promise<void> {
    await expect.poll(() => this.items(), { timeout, intervals: [50] }).toEqual(items)
  }
}
