/** Closes a peer whose libp2p waits for nothing but a timer that does not keep a process alive. */
import type { Libp2p } from '@libp2p/interface'
import { Libp2pUnderlay } from '../../src/adapters/libp2p-underlay.ts'
import { limits } from '../../src/protocol/limits.ts'

const node: Pick<Libp2p, 'stop'> = {
  stop() {
    const { promise, resolve } = Promise.withResolvers<void>()
    AbortSignal.timeout(200).addEventListener('abort', () => resolve())
    return promise
  },
}
await new Libp2pUnderlay(node as Libp2p, '0123456789abcdef', limits).close()
console.log('closed')
