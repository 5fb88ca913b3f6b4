/**
 * What a tab has to load: the cart page's scripts, minified and gzipped, our own code and the packages apart.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'

export interface PageSize {
  /** Bytes after gzip. */
  readonly own: number
  /** libp2p, what it needs, and the few other packages. */
  readonly packages: number
}

const root = join(import.meta.dirname, '..', '..')

/** Undefined as long as there is no page. */
export async function measurePage(): Promise<PageSize | undefined> {
  if (!existsSync(join(root, 'web', 'cart', 'index.html'))) return undefined
  const built = (await build({
    configFile: join(root, 'web', 'vite.config.ts'),
    logLevel: 'silent',
    build: { write: false, sourcemap: false },
  })) as Rollup.RollupOutput
  const sizes = { own: 0, packages: 0 }
  for (const chunk of built.output) {
    if (chunk.type !== 'chunk') continue
    // The page's settings put the packages into chunks of their own.
    const part = chunk.name.startsWith('packages') ? 'packages' : 'own'
    sizes[part] += gzipSync(chunk.code, { level: 9 }).length
  }
  return sizes
}
