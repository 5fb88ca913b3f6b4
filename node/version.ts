/**
 * Which Ringlet this is, as its package says.
 */
import { readFileSync } from 'node:fs'

export function version(): string {
  for (const up of ['../package.json', '../../package.json']) {
    const manifest = readIfThere(new URL(up, import.meta.url))
    if (manifest?.name === 'ringlet') return manifest.version
  }
  return 'unknown'
}

function readIfThere(url: URL): { readonly name: string; readonly version: string } | undefined {
  try {
    return JSON.parse(readFileSync(url, 'utf8'))
  } catch {
    return undefined
  }
}
