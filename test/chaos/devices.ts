/**
 * A device as the test sees it: a process on a host of its own, which may be killed and comes back on its disk.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LaidRing } from '../hosts/laid-ring.ts'
import { Talk } from './talk.ts'
import type { DeviceAnswer, DeviceAsked, DeviceNews, DeviceOptions } from './words.ts'

const program = join(import.meta.dirname, './device.ts')

export class Device {
  readonly name: string
  life = 0
  /** Told how writes go on that this device took. */
  onNews: (news: DeviceNews) => void = () => {}
  readonly #ring: LaidRing
  readonly #follows: readonly string[]
  #child: ChildProcess | undefined
  #talk: Talk<DeviceAsked, DeviceAnswer, DeviceNews> | undefined

  /** `follows`: the keys that it keeps copies of. */
  constructor(ring: LaidRing, name: string, follows: readonly string[]) {
    this.#ring = ring
    this.name = name
    this.#follows = follows
  }

  get runs(): boolean {
    return this.#child !== undefined
  }

  /** Resolves once it reads and writes. */
  async start(): Promise<void> {
    if (this.#child !== undefined) return
    this.life++
    const options: DeviceOptions = { ring: this.#ring.path, data: this.#ring.dataOf(this.name) }
    const child = this.#ring.network.run(
      this.name,
      process.execPath,
      [program, JSON.stringify(options)],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' },
    )
    this.#child = child
    child.on('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    this.#talk = new Talk(child, (news: DeviceNews) => this.onNews(news))
    await this.#talk.ready
    for (const key of this.#follows) await this.ask({ do: 'follow', key })
  }

  /** Rejects with `Failed`. */
  ask(asked: DeviceAsked): Promise<DeviceAnswer> {
    return this.#talk!.ask(asked)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
