import { expect, test } from 'vitest'
import { Heartbeat, stampOf } from '../../src/adapters/heartbeat.ts'

test('a side that is silent for two beats is dead, and anything it says in between is life', () => {
  const heartbeat = new Heartbeat()
  expect([heartbeat.beat(), heartbeat.beat()]).toEqual(['alive', 'alive'])
  heartbeat.heard()
  expect([heartbeat.beat(), heartbeat.beat()]).toEqual(['alive', 'alive'])
  expect(heartbeat.beat()).toBe('dead')
})

test('the round trip is smoothed, and right across the wrap of its 32 bits', () => {
  const heartbeat = new Heartbeat()
  expect(heartbeat.roundTripMs).toBeUndefined()
  const wrap = 2 ** 32 / 16
  heartbeat.answered(stampOf(wrap - 10), wrap + 30)
  expect(heartbeat.roundTripMs).toBe(40)
  heartbeat.answered(stampOf(1000), 1120)
  expect(heartbeat.roundTripMs).toBe(50)
})
