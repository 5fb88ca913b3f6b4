/**
 * `npm run bench`: how much of what the parts can do is left when everything is promised.
 *
 *     npm run bench -- [--seconds 2] [--rounds 5] [--json]
 *     npm run bench -- overload [--seconds 8] [--json]     what it does under ten times its load (`overload.ts`)
 *     npm run bench -- tails [--seconds 10] [--json]       what its readers feel of a peer that pauses (`tails.ts`)
 *     npm run bench -- buffered [--seconds 2] [--rounds 5] [--json]  what a buffered bucket gains (`buffered.ts`)
 *     npm run bench -- owing [--markers 100000] [--json]   how fast a member pays what it owes (`owing.ts`)
 *     npm run bench -- ring [--json]                       how even the ring is, and what its changes move (`balance.ts`)
 *
 * The ring and the bare pipeline (`bare.ts`) take turns on this machine: puts with W = 2 and gets with R = 2, 1 KiB, at 1
 * and 64 in flight. The ratio of their medians is what counts; the absolute numbers are this machine's. And what it costs
 * two owners of many keys to find out how they differ.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { showTable } from '../../node/cli/table.ts'
import { openDisk } from '../../node/disk.ts'
import { reportRing } from './balance-report.ts'
import { startBare } from './bare.ts'
import { measureBuffered, showBuffered } from './buffered.ts'
import { type Cost, type DifferenceCost, measureDifference } from './difference.ts'
import { measure, medianRun, type Run, warmUp } from './measure.ts'
import { measureOverload, showOverload } from './overload.ts'
import { measureOwing, showOwing } from './owing.ts'
import { startRing } from './ring.ts'
import { measureTails, showTails } from './tails.ts'
import { measurePage, type PageSize } from './size.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    markers: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  },
})

const cases = [
  { op: 'put', inFlight: 1 },
  { op: 'put', inFlight: 64 },
  { op: 'get', inFlight: 1 },
  { op: 'get', inFlight: 64 },
] as const

interface Result {
  readonly name: string
  /** The ring's operations per second over the bare pipeline's. */
  readonly ratio: number
  readonly ring: Run
  readonly bare: Run
}

if (positionals[0] === 'overload') {
  const measured = await inFolder((folder) => measureOverload(folder, Number(values.seconds ?? 8)))
  console.log(values.json ? JSON.stringify(measured) : showOverload(measured))
  process.exit()
}
if (positionals[0] === 'tails') {
  const measured = await inFolder((folder) => measureTails(folder, Number(values.seconds ?? 10)))
  console.log(values.json ? JSON.stringify(measured) : showTails(measured))
  process.exit()
}
if (positionals[0] === 'buffered') {
  const { rounds } = values
  const measured = await inFolder((folder) =>
    measureBuffered(folder, Number(values.seconds ?? 2), Number(rounds)),
  )
  console.log(values.json ? JSON.stringify(measured) : showBuffered(measured))
  process.exit()
}
if (positionals[0] === 'owing') {
  const measured = await inFolder((folder) => {
    const open = (index: number) => openDisk(join(folder, String(index)))
    return measureOwing({ markers: Number(values.markers), valueBytes: 100, open })
  })
  console.log(values.json ? JSON.stringify(measured) : showOwing(measured))
  process.exit()
}
if (positionals[0] === 'ring') {
  for (const line of reportRing(values.json)) console.log(line)
  process.exit()
}
const results = await compare(Number(values.seconds ?? 2), Number(values.rounds))
const difference = await compareOwners()
const page = await measurePage()
if (values.json) console.log(JSON.stringify({ results, difference, page }))
else console.log([...report(results), '', showDifference(difference), ...showSize(page)].join('\n'))
process.exit()

async function inFolder<T>(measureIn: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ringlet-bench-'))
  try {
    return await measureIn(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function compare(seconds: number, rounds: number): Promise<Result[]> {
  return inFolder(async (folder) => {
    const value = crypto.getRandomValues(new Uint8Array(1024))
    const [ring, bare] = [await startRing(folder, value), await startBare(folder, value)]
    const turns = { ring, bare }
    for (const contestant of [ring, bare]) {
      await warmUp(contestant)
      for (const { op } of cases) await measure(contestant, op, 64, seconds / 2)
    }
    const runs = cases.map(() => ({ ring: [] as Run[], bare: [] as Run[] }))
    for (let round = 0; round < rounds; round++) {
      for (const [i, { op, inFlight }] of cases.entries()) {
        for (const name of ['ring', 'bare'] as const) {
          runs[i]![name].push(await measure(turns[name], op, inFlight, seconds))
        }
      }
    }
    await Promise.all([ring.close(), bare.close()])
    return cases.map(({ op, inFlight }, i) => {
      const [ringRun, bareRun] = [medianRun(runs[i]!.ring), medianRun(runs[i]!.bare)]
      const ratio = ringRun.opsPerSecond / bareRun.opsPerSecond
      return { name: `${op}, ${inFlight} in flight`, ratio, ring: ringRun, bare: bareRun }
    })
  })
}

/** Two owners of 100,000 keys on real disks, which differ in ten. */
function compareOwners(): Promise<DifferenceCost> {
  return inFolder((folder) => {
    const open = (index: number) => openDisk(join(folder, String(index)))
    return measureDifference({ keys: 100_000, differences: 10, q: 256, open })
  })
}

function report(measured: readonly Result[]): string[] {
  const titles = ['', 'ratio', 'ring/s', 'p50 ms', 'p99 ms', 'bare/s', 'bare p50', 'bare p99']
  const rows = measured.map(({ name, ratio, ring, bare }) => [
    name,
    `${ratio.toFixed(2)} ×`,
    ...[ring, bare].flatMap(({ opsPerSecond, p50Ms, p99Ms }) => [
      opsPerSecond.toFixed(0),
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
    ]),
  ])
  return showTable(titles, rows, titles.slice(1))
}

function showDifference({ equal, differing }: DifferenceCost): string {
  const cost = ({ bytes, ms }: Cost): string => `${kilobytes(bytes)} and ${ms.toFixed(0)} ms`
  return (
    `Two owners of 100,000 keys that differ in ${differing.differed} find and mend it with ${cost(differing)}; ` +
    `two that hold the same find so with ${cost(equal)}.`
  )
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}

function showSize(size: PageSize | undefined): string[] {
  if (size === undefined) return []
  const { own, packages } = size
  return [
    '',
    `The cart page’s scripts, gzipped: ${kilobytes(own + packages)}, of which ` +
      `${kilobytes(own)} our own and ${kilobytes(packages)} libp2p and other packages.`,
  ]
}
