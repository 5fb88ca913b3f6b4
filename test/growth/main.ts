/**
 * `npm run growth`: a ring grows from three peers to six and shrinks to three again under load, on machines of their own.
 *
 *     npm run growth [-- --keys 100000] [--seconds 20] [--json]
 *
 * Exit codes: 0 every strict read returned what was acknowledged last, 1 one did not, 2 the question was wrong, 3 this
 * machine has no namespaces to give.
 */
import { parseArgs } from 'node:util'
import { whyNoNetwork } from '../hosts/network.ts'
import { grow, showGrowth } from './growth.ts'

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    'in-flight': { type: 'string', default: '64' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
})
const [keys, inFlight] = [Number(values.keys), Number(values['in-flight'])]
const seconds = Number(values.seconds)
const areWhole = [keys, inFlight].every((count) => Number.isInteger(count) && count > 0)
if (!areWhole || keys < inFlight || !(seconds > 0)) {
  console.error(
    '--in-flight takes a whole number, --keys one that is no less, --seconds a number above 0.',
  )
  process.exit(2)
}
const why = whyNoNetwork()
if (why !== undefined) {
  console.error(why)
  process.exit(3)
}
const startedMs = performance.now()
const say = (line: string): void => {
  const passed = (performance.now() - startedMs) / 1000
  console.error(`${passed.toFixed(1).padStart(7)} s  ${line}`)
}
const growth = await grow({ keys, inFlight, seconds, say })
console.log(values.json ? JSON.stringify(growth) : `\n${showGrowth(growth)}`)
process.exit(growth.wrong.length > 0 ? 1 : 0)
