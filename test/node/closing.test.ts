import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// libp2p waits like that for a connection that ends just while it stops; Node would end in the middle, with code 13.
test('a peer that has nothing else to do is closed to the end', async () => {
  const child = join(import.meta.dirname, './closing-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child])
  expect(stdout).toBe('closed\n')
})
