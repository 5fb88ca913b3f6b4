/**
 * Serves the built cart page on loopback, and the ring's public file with it: all that a page needs to join.
 *
 * The files are read from one folder and nothing else is: a path is followed only if it stays inside. Built assets carry a
 * hash in their names and may be kept for ever; the page itself and the ring file may not.
 */
import { createReadStream, existsSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { ringFilePath, type RingFile, writeRingFile } from '../src/protocol/ring-file.ts'
import { listenOnLoopback, type Listening } from './http.ts'

export interface PageOptions {
  readonly port: number
  /** The folder with `index.html`. */
  readonly folder: string
  readonly ring: RingFile
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

export function servePage(options: PageOptions): Promise<Listening> {
  const ring = writeRingFile(forPages(options.ring))
  return listenOnLoopback(options.port, (request, response) => {
    answer(options.folder, ring, request, response).catch(() => fail(response, 500))
  })
}

/** A page can open WebSockets, and no others of the addresses. */
function forPages({ identity, bootstrap }: RingFile): RingFile {
  return { identity, bootstrap: bootstrap.filter((address) => /\/wss?(\/|$)/.test(address)) }
}

async function answer(
  folder: string,
  ring: string,
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return fail(response, 405)
  const path = pathOf(url)
  if (path === undefined) return fail(response, 400)
  if (path === ringFilePath) {
    const headers = { 'content-type': types['.json']!, 'access-control-allow-origin': '*' }
    return send(response, { ...headers, 'cache-control': 'no-cache' }, () => response.end(ring))
  }
  const file = await fileIn(folder, path.endsWith('/') ? `${path}index.html` : path)
  if (file === undefined) return fail(response, 404)
  const forEver = path.startsWith('/assets/')
  const headers = {
    'content-type': types[extname(file.path)] ?? 'application/octet-stream',
    'content-length': String(file.size),
    'cache-control': forEver ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
  send(response, headers, () => {
    if (method === 'HEAD') response.end()
    else
      createReadStream(file.path)
        .on('error', () => response.destroy())
        .pipe(response)
  })
}

/** The real path of a file inside `folder`, links followed; undefined for anything else. */
async function fileIn(folder: string, path: string) {
  if (path.includes('\0') || !existsSync(folder)) return undefined
  try {
    const root = await realpath(folder)
    const real = await realpath(join(root, path))
    const { size, isFile } = await stat(real).then((found) => ({
      size: found.size,
      isFile: found.isFile(),
    }))
    return isFile && real.startsWith(root + sep) ? { path: real, size } : undefined
  } catch {
    return undefined
  }
}

function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(url.replace(/[?#].*/s, ''))
  } catch {
    return undefined
  }
}

function send(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  body: () => void,
): void {
  response.writeHead(200, { ...headers, 'x-content-type-options': 'nosniff' })
  body()
}

function fail(response: ServerResponse, status: number): void {
  const texts: Readonly<Record<number, string>> = {
    400: 'This is no address.',
    404: 'There is no such page here.',
    405: 'Pages are only read here.',
    500: 'This page could not be read.',
  }
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': types['.txt']!, 'cache-control': 'no-cache' })
  response.end(`${texts[status]}\n`)
}
