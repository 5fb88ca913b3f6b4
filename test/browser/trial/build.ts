/** Builds the page for trials as an application would build its own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'

/** Resolves with a new folder of the built page; whoever asked for it removes it. */
export async function buildTrial(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'ringlet-trial-'))
  await build({
    configFile: false,
    root: import.meta.dirname,
    base: './',
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true, target: 'es2024' },
  })
  return outDir
}
