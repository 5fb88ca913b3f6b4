/**
 * A test's side of the disk process: mount, arm a fault, wait for it, mount again what it has left.
 */
import { type ChildProcess, fork, type Serializable } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault, LuckWishes, News, Order } from './disk-process.ts'

export type FaultNews = Extract<News, { readonly fault: unknown }>

export class PluggedDisk {
  readonly #process: ChildProcess
  readonly #asked = new Map<number, (error: string | undefined) => void>()
  readonly #mounted = new Set<string>()
  #number = 0
  #struck = Promise.withResolvers<FaultNews>()

  constructor() {
    this.#process = fork(join(import.meta.dirname, 'disk-process.ts'), {
      // Each mount holds a thread, which waits for the kernel.
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    })
    this.#process.on('message', (news: News) => {
      if ('fault' in news) return this.#struck.resolve(news)
      this.#asked.get(news.number)?.(news.error)
      this.#asked.delete(news.number)
    })
  }

  /** Resolves when the fault that was armed last has happened. */
  get struck(): Promise<FaultNews> {
    return this.#struck.promise
  }

  mount(path: string, of: 'blank' | 'left', { lies = false } = {}): Promise<void> {
    return this.#mount({ order: 'mount', path, of, live: true, lies })
  }

  /** Runs `act` on a copy of what the last cut has left. */
  async look<T>(path: string, act: () => Promise<T>): Promise<T> {
    await this.#mount({ order: 'mount', path, of: 'left', live: false, lies: false })
    try {
      return await act()
    } finally {
      await this.unmount(path)
    }
  }

  arm(fault: Fault | undefined): Promise<void> {
    this.#struck = Promise.withResolvers()
    return this.#order({ order: 'arm', fault })
  }

  cut(luck: LuckWishes): Promise<void> {
    return this.#order({ order: 'cut', luck })
  }

  /** Whoever still waits for an answer of a disk that was cut off gets an error, so they should be dead by then. */
  unmount(path: string): Promise<void> {
    this.#mounted.delete(path)
    return this.#order({ order: 'unmount', path })
  }

  /** Whoever still uses it gets errors. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#mounted) await this.unmount(path)
    this.#process.kill('SIGKILL')
  }

  #mount(order: Extract<Order, { readonly order: 'mount' }>): Promise<void> {
    mkdirSync(order.path, { recursive: true })
    this.#mounted.add(order.path)
    return this.#order(order)
  }

  #order(order: Order): Promise<void> {
    const number = this.#number++
    this.#process.send({ ...order, number } as Serializable)
    return new Promise((resolve, reject) => {
      this.#asked.set(number, (error) => {
        if (error === undefined) resolve()
        else reject(new Error(error))
      })
    })
  }
}
