/**
 * Builds the cart page into `dist/cart`: `vite build --config web/vite.config.ts`.
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
  },
})
