/**
 * A page for trials: a tab of the product with nothing to show, so that what is measured or broken is the product itself.
 *
 * It opens the ring of its own address and leaves the rest to the test that opened it. Acknowledgements go to the console:
 * what is written there has left the page, whatever becomes of it next.
 */
import { open, type Peer, set, type TextSet, type TypedBucket } from '../../../web/index.ts'

export interface Trial {
  readonly peer: Peer
  readonly sets: TypedBucket<TextSet>
  /** How long `open` took, in milliseconds. */
  readonly openMs: number
  /** Writes names of its own into each of these sets, for as long as the page lives; `kept NAME` acknowledges one. */
  writeOnAndOn(keys: readonly string[], prefix: string): void
  /** What this device's copy of a set has. */
  held(key: string): Promise<readonly string[]>
}

declare global {
  /** Set once the ring is open. */
  var trial: Trial | undefined
}

const startedMs = performance.now()
const peer = await open(location.origin)
const openMs = performance.now() - startedMs
const sets = peer.bucket('sets', set)

globalThis.trial = {
  peer,
  sets,
  openMs,
  writeOnAndOn(keys, prefix) {
    for (const key of keys) void writeOn(key, `${prefix}-${key}`)
  },
  async held(key) {
    const { value } = await sets.get(key, { consistency: 'local' })
    return set.elements(value)
  },
}
console.info('open')

async function writeOn(key: string, prefix: string): Promise<never> {
  await sets.follow(key)
  for (let count = 1; ; count++) {
    const name = `${prefix}-${count}`
    await sets.update(key, (value, write) => set.add(value, name, write), { ack: 'device' })
    console.info(`kept ${name}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}
