import { describe, expect, test } from 'vitest'
import { FrameReader, frameKind, writeFrame } from '../../src/adapters/frames.ts'
import { Link } from '../../src/adapters/link.ts'
import { emptyBytes, type Bytes } from '../../src/data/bytes.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { limits as defaultLimits, type Limits } from '../../src/protocol/limits.ts'
import { Cable, pause } from './wires.ts'

const small = { ...defaultLimits, flushBytes: 1000, frameBytes: 4000, messageBytes: 20_000 }

/** A link whose other side is the test itself, which reads frames and writes bytes. */
function linked(max: Limits = small) {
  const cable = new Cable()
  const heard = {
    requests: 0,
    refuses: false,
    notices: 0,
    onNotice: () => {},
    offences: [] as string[],
    hasEnded: false,
  }
  const answers: ((reply: Bytes) => void)[] = []
  const link = new Link('peer', '@peer', cable.near, max, {
    greeted: () => {},
    offended: (offence) => void heard.offences.push(offence),
    ended: () => void (heard.hasEnded = true),
    notice: () => {
      heard.notices++
      heard.onNotice()
    },
    refuses: () => heard.refuses,
    request: () => {
      heard.requests++
      const { promise, resolve } = Promise.withResolvers<Bytes>()
      answers.push(resolve)
      return promise
    },
  })
  link.start()
  link.open(1)
  const write = (kind: 0 | 1 | 2 | 3 | 4 | 5 | 6, number: number, body = emptyBytes) => {
    const frame = new Uint8Array(9 + body.length)
    writeFrame(frame, 0, kind, number, body)
    cable.far.foreground.send(frame)
  }
  return { link, cable, heard, answers, write }
}

/** The messages in what was sent, in order, by kind and length; a part is told as it is. */
function framesIn(batches: readonly Bytes[]): string[] {
  const names = Object.keys(frameKind)
  return batches.flatMap((batch) => {
    const frames: string[] = []
    for (let at = 0; at < batch.length;) {
      const view = new DataView(batch.buffer, batch.byteOffset + at)
      const part = batch[at + 4]! & 0x80 ? '…' : ''
      frames.push(`${names[batch[at + 4]! & 0x7f]} ${view.getUint32(0) - 5}${part}`)
      at += 4 + view.getUint32(0)
    }
    return frames
  })
}

async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (it: unknown) => it,
  )
  if (!(error instanceof TransportError)) return 'answered'
  return `${error.failure}, ${error.sent ? 'sent' : 'not sent'}`
}

const turns = () => pause(20)

describe('what is queued in one turn', () => {
  test('leaves as one send', async () => {
    const { link, cable } = linked()
    await turns()
    const before = cable.near.foreground.sent.length
    const body = new Uint8Array(10)
    for (let i = 0; i < 20; i++) void link.request(body, 'foreground', 1000).catch(() => {})
    await turns()
    expect(cable.near.foreground.sent).toHaveLength(before + 1)
    link.end('closed', 'done')
  })

  test('leaves in batches: the short first, the long in parts behind them', async () => {
    const { link, cable } = linked()
    await turns()
    cable.near.foreground.sent.length = 0
    link.notify(new Uint8Array(2500), 'foreground')
    void link.request(new Uint8Array(2200), 'foreground', 1000).catch(() => {})
    for (let i = 0; i < 3; i++)
      void link.request(new Uint8Array(400), 'foreground', 1000).catch(() => {})
    link.notify(new Uint8Array(1), 'foreground')
    await turns()
    const { sent } = cable.near.foreground
    expect(framesIn(sent).join(', ')).toBe(
      'request 400, request 400, request 400, notice 991…, notice 991…, notice 518, ' +
        'request 991…, request 991…, request 218, notice 1',
    )
    expect(Math.max(...sent.map((it) => it.length))).toBeLessThan(1000 + 9 + 1000)
    const whole: number[] = []
    const reader = new FrameReader(small, (_kind, _number, body) => whole.push(body.length))
    for (const batch of sent) reader.read(batch)
    expect(whole).toEqual([400, 400, 400, 2500, 2200, 1])
    link.end('closed', 'done')
  })

  test('goes out in the foreground before the background, which sends a batch a turn', async () => {
    const { link, cable } = linked()
    await turns()
    const order: string[] = []
    for (const lane of ['foreground', 'background'] as const) {
      const wire = cable.near[lane]
      const send = wire.send.bind(wire)
      wire.send = (bytes) => {
        order.push(lane)
        send(bytes)
      }
    }
    link.notify(new Uint8Array(3000), 'background')
    link.notify(new Uint8Array(10), 'foreground')
    setTimeout(() => link.notify(new Uint8Array(10), 'foreground'), 0)
    await turns()
    expect(order[0]).toBe('foreground')
    expect(order.filter((it) => it === 'background')).toHaveLength(4)
    link.end('closed', 'done')
  })
})

describe('a long message', () => {
  test('once it has left holds up no later notice', async () => {
    const { link, cable } = linked()
    link.notify(new Uint8Array(2500), 'foreground')
    await turns()
    cable.near.foreground.sent.length = 0
    for (let i = 0; i < 3; i++) link.notify(new Uint8Array(i), 'foreground')
    await turns()
    expect(cable.near.foreground.sent).toHaveLength(1)
    link.end('closed', 'done')
  })

  test('whose deadline passes half-way is sent to its end, so that the next is not taken for its rest', async () => {
    const { link, cable } = linked()
    await turns()
    const wire = cable.near.foreground
    wire.sent.length = 0
    const hasty = outcomeOf(link.request(new Uint8Array(2500), 'foreground', 40))
    const patient = outcomeOf(link.request(new Uint8Array(2200), 'foreground', 5000))
    link.flush()
    wire.full = true
    expect(await hasty).toBe('deadline, sent')
    wire.drain()
    await turns()
    const whole: number[] = []
    const reader = new FrameReader(small, (_kind, _number, body) => whole.push(body.length))
    for (const batch of wire.sent) reader.read(batch)
    expect(whole).toEqual([2500, 2200])
    link.end('link-lost', 'done')
    expect(await patient).toBe('link-lost, sent')
  })
})

describe('a stream that is full', () => {
  test('is given nothing until it has drained, and a ping is the first thing then', async () => {
    const { link, cable } = linked()
    await turns()
    const wire = cable.near.foreground
    wire.sent.length = 0
    wire.full = true
    const asked = link.request(new Uint8Array(100), 'foreground', 1000)
    link.beat()
    await turns()
    expect(wire.sent).toEqual([])
    wire.drain()
    await turns()
    expect(framesIn(wire.sent)).toEqual(['ping 0', 'request 100'])
    link.end('link-lost', 'done')
    expect(await outcomeOf(asked)).toBe('link-lost, sent')
  })

  test('makes requests wait in a bounded queue: what does not fit is refused as not sent', async () => {
    const { link, cable } = linked()
    await turns()
    const wire = cable.near.foreground
    const fill = (count: number, length: number) =>
      Array.from({ length: count }, () =>
        outcomeOf(link.request(new Uint8Array(length), 'foreground', 5000)),
      )
    const filled: [short: Promise<string>[], long: Promise<string>[]][] = []
    for (let round = 0; round < 2; round++) {
      wire.full = true
      filled.push([fill(12, 500), fill(4, 15_000)])
      await turns()
      if (round === 0) wire.drain()
      await turns()
    }
    link.end('link-lost', 'done')
    const refused = (all: string[]) => all.filter((it) => it === 'overloaded, not sent').length
    for (const [short, long] of filled) {
      expect(refused(await Promise.all(short))).toBe(5)
      expect(refused(await Promise.all(long))).toBe(2)
    }
    expect(await filled[0]![0][0]).toBe('link-lost, sent')
    expect(await filled[1]![0][0]).toBe('link-lost, not sent')
  })

  test('lets requests expire unsent, and they are not sent any more', async () => {
    const { link, cable } = linked()
    await turns()
    const wire = cable.near.foreground
    wire.sent.length = 0
    wire.full = true
    const hasty = outcomeOf(link.request(new Uint8Array(100), 'foreground', 30))
    const patient = outcomeOf(link.request(new Uint8Array(200), 'foreground', 5000))
    expect(await hasty).toBe('deadline, not sent')
    wire.drain()
    await turns()
    expect(framesIn(wire.sent)).toEqual(['request 200'])
    link.end('link-lost', 'done')
    expect(await patient).toBe('link-lost, sent')
  })
})

describe('the other side', () => {
  test('is refused at once when it asks more at a time than the limit', async () => {
    const { link, cable, heard, answers, write } = linked({ ...small, requestsInFlight: 3 })
    for (let i = 1; i <= 5; i++) write(frameKind.request, i)
    await turns()
    expect(heard.requests).toBe(3)
    expect(framesIn(cable.near.foreground.sent).slice(1)).toEqual(['refusal 1', 'refusal 1'])
    for (const answer of answers) answer(Uint8Array.of(1, 2))
    await turns()
    expect(framesIn(cable.near.foreground.sent).slice(3)).toEqual(Array(3).fill('reply 2'))
    write(frameKind.request, 6)
    await turns()
    expect(heard.requests).toBe(4)
    link.end('closed', 'done')
  })

  test('may ask at length again and again: what has been answered counts no more', async () => {
    const { link, cable, answers } = linked()
    for (let i = 1; i <= 6; i++) {
      const frame = new Uint8Array(9 + 3900)
      for (let part = 0; part < 4; part++) {
        writeFrame(frame, 0, frameKind.request, i, frame.subarray(9), part === 3)
        cable.far.foreground.send(frame.slice())
      }
      await turns()
      answers.at(-1)!(emptyBytes)
      await turns()
    }
    expect(framesIn(cable.near.foreground.sent).slice(1)).toEqual(Array(6).fill('reply 0'))
    link.end('closed', 'done')
  })

  test('is not heard any more within the piece that made the link end', async () => {
    const { link, cable, heard } = linked()
    await turns()
    const piece = new Uint8Array(3 * 9)
    for (let i = 0; i < 3; i++) writeFrame(piece, 9 * i, frameKind.notice, 0, emptyBytes)
    heard.onNotice = () => link.end('link-lost', 'a notice of the end')
    cable.far.foreground.send(piece)
    await turns()
    expect(heard).toMatchObject({ notices: 1, hasEnded: true })
  })

  test('has its replies counted until they have left: who does not read is not served', async () => {
    const { link, cable, heard, answers, write } = linked({ ...small, requestsInFlight: 3 })
    await turns()
    cable.near.foreground.full = true
    for (let i = 1; i <= 3; i++) write(frameKind.request, i)
    await turns()
    for (const answer of answers) answer(emptyBytes)
    await turns()
    write(frameKind.request, 4)
    await turns()
    expect(heard.requests).toBe(3)
    link.end('closed', 'done')
  })

  test.each([
    ['requests', frameKind.request],
    ['pings', frameKind.ping],
  ])('is cut off when it floods %s and reads nothing', async (_what, kind) => {
    const { cable, heard, write } = linked({ ...small, requestsInFlight: 3 })
    await turns()
    cable.near.foreground.full = true
    for (let i = 1; i <= 10; i++) write(kind, i)
    await turns()
    expect(heard).toMatchObject({
      hasEnded: true,
      offences: [expect.stringMatching(/reads nothing/)],
    })
  })

  test('is refused however much it asks in one turn, and not cut off, while it reads', async () => {
    const { link, cable, heard } = linked({ ...small, requestsInFlight: 3 })
    await turns()
    heard.refuses = true
    const crowd = new Uint8Array(50 * 9)
    for (let i = 0; i < 50; i++) writeFrame(crowd, 9 * i, frameKind.request, i + 1, emptyBytes)
    cable.far.foreground.send(crowd)
    await turns()
    expect(heard).toMatchObject({ requests: 0, hasEnded: false, offences: [] })
    expect(framesIn(cable.near.foreground.sent).slice(1)).toEqual(Array(50).fill('refusal 1'))
    link.end('closed', 'done')
  })

  test('gets a refusal instead of a reply above the limit', async () => {
    const { link, cable, answers, write } = linked()
    write(frameKind.request, 1)
    await turns()
    answers[0]!(new Uint8Array(small.messageBytes + 1))
    await turns()
    expect(framesIn(cable.near.foreground.sent)).toEqual(['ping 0', 'refusal 1'])
    link.end('closed', 'done')
  })

  test.each([
    [1, 'overloaded, not sent'],
    [2, 'too-large, sent'],
    [3, 'link-lost, sent'],
    [99, 'link-lost, sent'],
  ])('refuses for reason %i: %s', async (reason, outcome) => {
    const { link, write } = linked()
    const asked = outcomeOf(link.request(emptyBytes, 'foreground', 1000))
    await turns()
    write(frameKind.refusal, 1, Uint8Array.of(reason))
    expect(await asked).toBe(outcome)
    link.end('closed', 'done')
  })

  test('may answer twice or unasked: only the first reply to a question counts', async () => {
    const { link, heard, write } = linked()
    const asked = link.request(emptyBytes, 'foreground', 1000)
    const next = link.request(emptyBytes, 'foreground', 1000)
    await turns()
    write(frameKind.reply, 77, Uint8Array.of(77))
    write(frameKind.reply, 1, Uint8Array.of(1))
    write(frameKind.reply, 1, Uint8Array.of(2))
    write(frameKind.reply, 2, Uint8Array.of(3))
    expect(await asked).toEqual(Uint8Array.of(1))
    expect(await next).toEqual(Uint8Array.of(3))
    expect(heard.hasEnded).toBe(false)
    link.end('closed', 'done')
  })
})
