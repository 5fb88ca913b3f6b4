/**
 * The built cart page: in a clone it is built when it is missing or older than what it is made of; in the package it is there.
 */
import { existsSync, globSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the built page, built anew if need be; undefined when there is no page to build. */
export async function builtPage(): Promise<string | undefined> {
  // From the sources this file is in `node/`, from the package in `dist/node/`.
  const isClone = import.meta.url.endsWith('.ts')
  const root = join(import.meta.dirname, isClone ? '..' : '../..')
  const folder = join(root, 'dist', 'cart')
  if (isClone && existsSync(join(root, 'web', 'cart', 'index.html')) && isOld(root, folder)) {
    const { build } = await import('vite')
    await build({ configFile: join(root, 'web', 'vite.config.ts'), logLevel: 'warn' })
  }
  return existsSync(join(folder, 'index.html')) ? folder : undefined
}

function isOld(root: string, folder: string): boolean {
  const built = join(folder, 'index.html')
  if (!existsSync(built)) return true
  const builtMs = statSync(built).mtimeMs
  const sources = globSync(['web/**/*.*', 'src/**/*.ts', 'package-lock.json'], { cwd: root })
  return sources.some((source) => statSync(join(root, source)).mtimeMs > builtMs)
}
