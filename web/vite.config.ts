/**
 * Builds the cart page into `dist/cart`: `vite build --config web/vite.config.ts`.
 *
 * What comes from packages (libp2p and what it stands on) goes into a file of its own, so that its weight and ours can be
 * told apart, and a change of the page leaves most of it in the browser's cache.
 */
import { join } from 'node:path'
import { defineConfig } from 'vite'

const root = join(import.meta.dirname, 'cart')

export default defineConfig({
  root,
  // Served from wherever a peer or a static host puts it.
  base: './',
  build: {
    outDir: join(import.meta.dirname, '..', 'dist', 'cart'),
    emptyOutDir: true,
    target: 'es2024',
    sourcemap: true,
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: 'libp2p', test: /node_modules/ }] },
      },
    },
  },
})
