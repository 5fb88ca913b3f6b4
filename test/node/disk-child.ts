/**
 * A process that holds a disk store and does what its parent asks, so that a test can kill it, starve it of space or
 * take its rights away. One message in, one message out, matched by number.
 */
import { openDisk } from '../../node/disk.ts'
import { bytesOf } from '../../src/contract/storage-content.ts'
import type { Storage } from '../../src/ports.ts'

export type Ask =
  | { readonly act: 'open'; readonly folder: string }
  | { readonly act: 'put'; readonly key: number; readonly size: number }
  | { readonly act: 'get'; readonly key: number }
  /** Puts `key`, `key` + 1, … until one fails, and answers with the first that failed. */
  | { readonly act: 'fill'; readonly key: number; readonly size: number }
  /** Puts without end, `inFlight` at once, and tells of each that is done. */
  | { readonly act: 'load'; readonly inFlight: number }

export type Answer =
  | { readonly number: number; readonly result: unknown }
  | { readonly number: number; readonly code: unknown; readonly remedy: unknown }
  | { readonly done: number }

let storage: Storage

process.on('message', ({ number, ask }: { number: number; ask: Ask }) => {
  obey(ask).then(
    (result) => tell({ number, result: result ?? null }),
    ({ code, remedy, message }) => tell({ number, code: code ?? message, remedy }),
  )
})
process.on('disconnect', () => process.exit())

async function obey(ask: Ask): Promise<unknown> {
  switch (ask.act) {
    case 'open':
      storage = await openDisk(ask.folder)
      return
    case 'put':
      return put(ask.key, ask.size)
    case 'get':
      return (await storage.get(bytesOf(ask.key)))?.length
    case 'fill':
      return fill(ask.key, ask.size)
    case 'load':
      return load(ask.inFlight)
  }
}

function put(key: number, size: number): Promise<void> {
  const value = new Uint8Array(size).fill(key)
  return storage.update([], () => ({
    writes: [{ key: bytesOf(key), value }],
    result: undefined,
  }))
}

async function fill(first: number, size: number): Promise<unknown> {
  for (let key = first; ; key++) {
    try {
      await put(key, size)
    } catch (error) {
      return { key, code: (error as { code?: unknown }).code }
    }
  }
}

function load(inFlight: number): void {
  let next = 0
  const putOnAndOn = async () => {
    for (;;) {
      const key = next++
      await put(key, 1024)
      tell({ done: key })
    }
  }
  for (let i = 0; i < inFlight; i++) void putOnAndOn()
}

function tell(answer: Answer): void {
  process.send?.(answer)
}
