/**
 * What stands on every host of a test's network: it sends and hears packets, so that one can see whether they arrive, and
 * it serves the cart page on the host's own loopback, as an installed program would. A page from there is a secure
 * context, and stays there when the cable is cut.
 */
import { createSocket } from 'node:dgram'
import { servePage } from '../../node/page-server.ts'
import { loadRingFile } from '../../node/ring-file.ts'

export interface StationOptions {
  /** The page to serve on the host's own loopback, and the ring file that it finds there. */
  readonly page?: { readonly folder: string; readonly ringFile: string; readonly port: number }
}

/** Send this word to that address. */
export interface ToStation {
  readonly call: string
  readonly word: string
}

/** A word that came, or `ready`. */
export interface FromStation {
  readonly heard: string
}

const port = 7499
/** One packet may be lost to a busy machine. */
const tries = 3
const pauseMs = 100

const { page } = JSON.parse(process.argv[2]!) as StationOptions
const tell = (heard: string): void => void process.send?.({ heard } satisfies FromStation)

const socket = createSocket('udp4', (packet) => tell(packet.toString()))
process.on('message', ({ call, word }: ToStation) => {
  for (let sent = 0; sent < tries; sent++) {
    // Where there is no way at all, the packet is as good as lost.
    setTimeout(() => socket.send(word, port, call, () => {}), sent * pauseMs)
  }
})
process.on('disconnect', () => process.exit())

await new Promise<void>((resolve) => {
  socket.bind(port, resolve)
})
if (page !== undefined) {
  await servePage({ port: page.port, folder: page.folder, ring: loadRingFile(page.ringFile) })
}
tell('ready')
