/**
 * Builds the cart page into `dist/cart`: `vite build --config web/vite.config.ts`.
 *
 * The page comes in files: ours that it begins with, the packages that these stand on, and libp2p with what is ours
 * around it, which a tab fetches while it already reads and writes on its own device. So the weight of packages and
 * ours can be told apart, and a change of the page leaves most of it in the browser's cache.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const root = join(import.meta.dirname, 'cart')
const worker = 'service-worker'

export default defineConfig({
  root,
  // Served from wherever a peer or a static host puts it.
  base: './',
  plugins: [oneCopyOfEachPackage(), noOtherCurve(), listForServiceWorker()],
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'cart'),
    emptyOutDir: true,
    target: 'es2024',
    sourcemap: true,
    // Every browser of that target preloads modules by itself.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: join(root, 'index.html'),
        [worker]: join(import.meta.dirname, './cart/worker/service-worker.ts'),
      },
      output: {
        // A service worker governs what lies beside it and below, and is known by its address.
        entryFileNames: ({ name }) => (name === worker ? '[name].js' : 'assets/[name]-[hash].js'),
        codeSplitting: {
          // Packages that ours stand on are no part of ours.
          includeDependenciesRecursively: false,
          groups: [
            { name: 'index', test: isOurs, tags: ['$initial'] },
            { name: 'packages-first', test: /node_modules/, tags: ['$initial'] },
            { name: 'packages-later', test: /node_modules/ },
          ],
        },
      },
    },
  },
})

/**
 * What the page is made of, and what Vite adds to it: left in a file of its own, that would be run after those who call
 * it. The service worker is the page's neighbour, and loads by itself.
 */
function isOurs(id: string): boolean {
  const isPage = !id.includes('node_modules') && !id.includes('/cart/worker/')
  return isPage && !id.includes('rolldown/runtime')
}

/**
 * npm nests a package once for each dependent if the folder above holds another version of it, so that six equal copies
 * may come along. Of each version the first copy that is met stands for all.
 */
function oneCopyOfEachPackage(): Plugin {
  const folders = new Map<string, string>()
  return {
    name: 'one-copy-of-each-package',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      const found = await this.resolve(source, importer, { ...options, skipSelf: true })
      const parts = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))(\/.*)$/.exec(found?.id ?? '')
      if (found === null || parts === null) return found
      const [, folder = '', name = '', file = ''] = parts
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const copy = `${name}@${version}`
      folders.set(copy, folders.get(copy) ?? folder)
      return { ...found, id: `${folders.get(copy)}${file}` }
    },
  }
}

/**
 * libp2p knows keys of several kinds, and a peer of ours has one of Ed25519 (`src/data/identity.ts`): a stranger with a
 * key of secp256k1 is refused in the handshake, as one with a key that is malformed, for want of this curve.
 */
function noOtherCurve(): Plugin {
  return {
    name: 'no-other-curve',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('/@noble/curves/secp256k1.js') ? 'export const secp256k1 = undefined' : undefined,
  }
}

/** Tells the service worker which files the page has, and by one hash of all of them which version they are. */
function listForServiceWorker(): Plugin {
  return {
    name: 'list-for-service-worker',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const chunk = bundle[`${worker}.js`]
        if (chunk?.type !== 'chunk') throw new Error('there is no service worker to tell')
        const files = Object.values(bundle).filter(({ fileName }) => !fileName.endsWith('.map'))
        const hash = createHash('sha256')
        for (const file of files) hash.update(file.type === 'chunk' ? file.code : file.source)
        const version = hash.digest('base64url').slice(0, 12)
        const names = files.map(({ fileName }) => fileName)
        const assets = JSON.stringify(names.filter((name) => name.startsWith('assets/')))
        chunk.code = `const pageVersion="${version}",pageFiles=${assets};${chunk.code}`
      },
    },
  }
}
