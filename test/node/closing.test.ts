import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openNodeTransport } from '../../node/libp2p.ts'

const ringHash = '0123456789abcdef'

// A promise that never settles ends a Node process with code 13 as soon as nothing else is going on.
test(
  'a peer that is closed while it dials is closed, whatever else its process does',
  { timeout: 60_000 },
  async () => {
    const open = () =>
      openNodeTransport({
        seed: crypto.getRandomValues(new Uint8Array(32)),
        ringHash,
        listen: ['/ip4/127.0.0.1/tcp/0'],
      })
    await using stack = new AsyncDisposableStack()
    const peers = [await open(), await open()]
    for (const peer of peers) stack.defer(() => peer.close())
    const child = join(import.meta.dirname, 'closing-child.ts')
    const addresses = peers.flatMap((peer) => peer.addresses)
    const args = [child, ringHash, ...addresses]
    // Several at once get in each other's way, and so close at many different moments.
    const runs = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args))
    for (const { stdout } of await Promise.all(runs)) expect(stdout).toBe('closed\n')
  },
)
