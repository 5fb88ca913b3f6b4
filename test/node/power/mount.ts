/**
 * A forgetful disk mounted where any process of this machine can use it.
 *
 * The kernel hands each call that touches the disk to whoever reads `/dev/fuse`, one message each, and the caller waits for
 * the answer. So this process is the medium: it sees every write and every sync of real processes, in their order, and
 * between any two of them it can pull the plug. No library and no helper program: a device, `mount`, and the messages of
 * `wire.ts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { close, openSync, read, writeSync } from 'node:fs'
import { answer } from './answering.ts'
import type { Judgement } from './deed.ts'
import { DiskError, type ForgetfulDisk } from './forgetful-disk.ts'
import { readRequest, type Request, requestBytes, writeReply } from './wire.ts'

export class Mount {
  readonly path: string
  readonly disk: ForgetfulDisk
  readonly #judgement: () => Judgement
  readonly #device: number
  readonly #buffer = Buffer.alloc(requestBytes)
  #cut = false
  #isReading = false

  static async open(path: string, disk: ForgetfulDisk, judgement: () => Judgement): Promise<Mount> {
    const mount = new Mount(path, disk, judgement)
    const options = `fd=3,rootmode=40755,user_id=0,group_id=0,allow_other`
    const stdio = ['ignore', 'inherit', 'inherit', mount.#device] as const
    const mounting = spawn('mount', ['-i', '-t', 'fuse', '-o', options, 'forgetful', path], {
      stdio: [...stdio],
    })
    mount.#listen()
    const [code] = (await once(mounting, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`mount ended with ${code}`)
    return mount
  }

  private constructor(path: string, disk: ForgetfulDisk, judgement: () => Judgement) {
    this.path = path
    this.disk = disk
    this.#judgement = judgement
    this.#device = openSync('/dev/fuse', 'r+')
  }

  /** From now on nobody is answered. */
  cut(): void {
    this.#cut = true
  }

  /** Ends the mount; whoever still waits for an answer of it gets an error. */
  async close(): Promise<void> {
    await once(spawn('umount', ['-f', '-l', this.path], { stdio: 'ignore' }), 'exit')
    if (!this.#isReading) close(this.#device)
  }

  #listen(): void {
    this.#isReading = !this.#cut
    if (this.#cut) return
    read(this.#device, this.#buffer, 0, requestBytes, null, (error, length) => {
      if (error === null) {
        this.#take(readRequest(this.#buffer, length))
        return this.#listen()
      }
      // Nothing is mounted yet.
      if (error.code === 'EPERM') return void setTimeout(() => this.#listen(), 1)
      // A request was taken back before it was read.
      if (error.code === 'ENOENT' || error.code === 'EINTR') return this.#listen()
      // The mount has ended.
      close(this.#device)
    })
  }

  #take(request: Request): void {
    if (this.#cut) return
    const { number } = request
    try {
      const reply = answer(this.disk, request, this.#judgement())
      if (reply !== undefined && !this.#cut) this.#send(writeReply(number, 0, reply))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (!this.#cut) this.#send(writeReply(number, error.errno, Buffer.alloc(0)))
    }
  }

  #send(reply: Buffer): void {
    try {
      writeSync(this.#device, reply)
    } catch (error) {
      // Whoever asked is gone.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
