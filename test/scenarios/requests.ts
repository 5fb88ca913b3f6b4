/**
 * What applications ask for, and what they are told: reads and writes by people who remember what they have seen.
 *
 * Words go in and come out as an untyped bucket's values do, siblings and all. A cart goes through a typed bucket, which
 * merges. Whoever asks hears *done*, *refused* or *unknown*, and the story tells which.
 */
import { utf8 } from '../../src/data/bytes.ts'
import { makeValue } from '../../src/data/siblings.ts'
import type { Receipt, TypedBucket } from '../../src/peer/api.ts'
import { typedBucket } from '../../src/peer/bucket.ts'
import { contextFromText, contextToText } from '../../src/protocol/context.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { cart, type Cart } from '../../src/values/cart.ts'
import type { WriteId } from '../../src/values/type.ts'
import type { Act, Play } from './play.ts'
import type { Given } from './script.ts'
import { bucket, keyNamed, pathOf } from './stage.ts'

export const requests = {
  follow: async ({ stage }, { via, key }) => {
    await stage.until(stage.keyed(via).follow(keyNamed(key)))
    await stage.breathe()
  },

  put: (play, given) => {
    const lives = given.ttl === undefined ? '' : `, for ${Number.parseInt(given.ttl)} s`
    const what = `${named('put', given)} ${given.key}=${given.word}${lives}`
    return write(play, given, what, utf8(given.word))
  },

  delete: (play, given) => write(play, given, `delete ${given.key}`, undefined),

  get: (play, given) => {
    const { key, from, as } = given
    const read = play.stage
      .keyed(given.via)
      .read(keyNamed(key), from === 'copy' ? 'local' : as === 'strict' ? as : 'quorum')
    return answer(play, given, `${named('get', given)} ${key}`, read, ({ state, source }) => {
      const context = contextToText(keyNamed(key), state.seen)
      remember(play, given, context)
      const place = source === 'local' ? ', from its own copy' : ''
      return `${play.telling.siblings(key, state)}${place}${clock(play, key, context)}`
    })
  },

  add: (play, given) => {
    const change = (value: Cart, by: WriteId): Cart => cart.add(value, given.word, 1, by)
    return shop(play, given, `add ${given.word} to ${given.key} at ${given.via}`, change)
  },

  remove: (play, given) => {
    const change = (value: Cart, by: WriteId): Cart => cart.remove(value, given.word, by)
    return shop(play, given, `remove ${given.word} from ${given.key} at ${given.via}`, change)
  },

  items: (play, given) => {
    const { via, key, from } = given
    const consistency = from === 'copy' ? 'local' : 'quorum'
    const read = cartsAt(play, via).get(pathOf(key), { consistency })
    return answer(play, given, `items of ${key} at ${via}`, read, ({ value }) => {
      const items = cart.items(value).map(({ product, quantity }) => `${product} ×${quantity}`)
      return items.join(', ') || 'none'
    })
  },
} satisfies Readonly<Record<string, Act>>

function write(
  play: Play,
  given: Given,
  what: string,
  bytes: Uint8Array | undefined,
): Promise<void> {
  const { via, by, as, ttl, ack = 'quorum' } = given
  const key = keyNamed(given.key)
  const keyed = play.stage.keyed(via)
  const remembered = by === undefined ? undefined : play.memories.get(`${by} ${given.key}`)
  const context = contextFromText(key, remembered ?? 'none')
  const expiresAt = ttl === undefined ? undefined : keyed.now() + 1000 * Number.parseInt(ttl)
  const order = { key, context, value: makeValue(bytes, keyed.now(), expiresAt), ack }
  const written = keyed.write(as === undefined ? order : { ...order, demands: { [as]: true } })
  return answer(play, given, what, written, (receipt) => {
    remember(play, given, receipt.context)
    return shown(play, given, receipt)
  })
}

function named(what: string, { as }: Given): string {
  return as === undefined ? what : `${what}, ${as},`
}

function shop(
  play: Play,
  given: Given,
  what: string,
  change: (value: Cart, by: WriteId) => Cart,
): Promise<void> {
  const updated = cartsAt(play, given.via).update(pathOf(given.key), change)
  return answer(play, given, what, updated, (receipt) => shown(play, given, receipt))
}

function cartsAt({ stage }: Play, via: string): TypedBucket<Cart> {
  return typedBucket(stage.keyed(via), bucket, cart, {})
}

function remember({ memories }: Play, { by, key }: Given, context: string): void {
  if (by !== undefined) memories.set(`${by} ${key}`, context)
}

/** Waits for the answer, and tells it; then for what goes on behind it. */
async function answer<T>(
  { stage, telling }: Play,
  { by }: Given,
  what: string,
  asked: Promise<T>,
  tell: (answer: T) => string,
): Promise<void> {
  const question = by === undefined ? what : `${by}: ${what}`
  try {
    const answered = await stage.until(asked)
    telling.line(`${question} ⇒ ${tell(answered)}`)
  } catch (error) {
    if (!(error instanceof RingletError)) throw error
    const { outcome, code, needed = 0, got } = error
    telling.line(`${question} ⇒ ${outcome}: ${code}${needed > 0 ? `, ${got} of ${needed}` : ''}`)
  }
  await stage.breathe()
}

/** `ok (a,1), acks a c` */
function shown(play: Play, { key }: Given, receipt: Receipt): string {
  const { id, stage, acks, buffered, hints, context } = receipt
  const { telling } = play
  const dot = telling.dot(key, play.stage.dotOf(id))
  const reached = stage === 'device' ? 'on the device' : 'ok'
  const votes = acks.length === 0 ? '' : `, acks ${telling.names(acks.join(' '))}`
  const inBuffers = buffered.length === 0 ? '' : `, in buffers ${telling.names(buffered.join(' '))}`
  const stood = Object.entries(hints).map(([holder, owner]) => `, hint ${holder} → ${owner}`)
  return `${reached} ${dot}${votes}${inBuffers}${telling.names(stood.join(''))}${clock(play, key, context)}`
}

function clock({ telling, showsClocks }: Play, key: string, context: string): string {
  if (!showsClocks) return ''
  return `, clock ${telling.clock(key, contextFromText(keyNamed(key), context))}`
}
