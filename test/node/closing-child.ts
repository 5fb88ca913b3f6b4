/** Opens a peer and closes it while it dials, again and again; nothing else keeps this process alive. */
import { setTimeout as pause } from 'node:timers/promises'
import { openNodeTransport } from '../../node/libp2p.ts'

const [ringHash, ...addresses] = process.argv.slice(2)
for (let round = 0; round < 90; round++) {
  const transport = await openNodeTransport({
    seed: crypto.getRandomValues(new Uint8Array(32)),
    ringHash: ringHash!,
    listen: [],
  })
  for (const address of addresses) transport.dial(address).catch(() => {})
  await pause(round % 15)
  await transport.close()
}
console.log('closed')
