/** A clock on the wall that somebody sets, beside one that counts the time awake. */
import { expect, it } from 'vitest'
import { SteadyWall } from '../../src/peer/steady-wall.ts'

const second = 1000
const minute = 60 * second

/** Goes on by so long, while the wall shows so much more or less. */
function watched() {
  let [wallMs, awakeMs] = [1_700_000_000_000, 0]
  const clock = { now: () => wallMs, elapsed: () => awakeMs, after: () => () => {} }
  const wall = new SteadyWall(clock)
  const pass = (ms: number, setBy = 0): void => {
    wallMs += setBy
    for (let left = ms; left > 0; left -= 100) {
      ;[wallMs, awakeMs] = [wallMs + 100, awakeMs + 100]
      wall.tick()
    }
  }
  return { wall, pass }
}

it('is steady once it has gone with the time awake for so long, from the start on', () => {
  const { wall, pass } = watched()
  pass(minute - second)
  expect(wall.wasSteadyFor(minute)).toBe(false)
  pass(second)
  expect(wall.wasSteadyFor(minute)).toBe(true)
})

it.each([100 * second, -71 * second])('is not, for as long after it was set by %i ms', (setBy) => {
  const { wall, pass } = watched()
  pass(2 * minute)
  pass(100, setBy)
  expect(wall.wasSteadyFor(second)).toBe(false)
  expect(wall.wasSteadyFor(0)).toBe(true)
  pass(minute - second)
  expect(wall.wasSteadyFor(minute)).toBe(false)
  pass(second)
  expect(wall.wasSteadyFor(minute)).toBe(true)
})

it('stays steady while it is slewed', () => {
  const { wall, pass } = watched()
  for (let i = 0; i < 100; i++) pass(second, 50)
  expect(wall.wasSteadyFor(minute)).toBe(true)
})
