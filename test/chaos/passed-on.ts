/**
 * Writes that may have two names: whoever heard that a coordinator could not gather W, or nothing, asked the next one, and
 * the first may have named the write already. Such a write may stand twice, and once more after it was superseded (P2 says
 * so). The disks are read too seldom to show both names, but the coordinators' logs tell of attempts that failed.
 */
import type { Operation } from '../../src/simulation/history.ts'
import type { Field } from './field.ts'

/** Whoever hears nothing for so long asks another. */
const patienceMs = 900
/** A log's clock is in whole milliseconds, and a word takes its time to whoever waits for it. */
const slackMs = 50

export function passedOn(field: Field): number[] {
  const { history, story } = field
  const failures = new Map<string, number[]>()
  for (const { text } of field.logs()) {
    for (const line of text.split('\n')) {
      const [stamp = '', type, key = '', ...words] = line.split(' ')
      if (type !== 'put' || !words.includes('lost')) continue
      failures.set(key, [...(failures.get(key) ?? []), story.msOf(stamp)])
    }
  }
  const hadFailed = ({ key, startMs, endMs }: Operation): boolean =>
    (failures.get(key) ?? []).some((atMs) => {
      return atMs > startMs - slackMs && atMs < endMs + slackMs
    })
  return (
    history.operations
      // What was refused is nowhere, under whatever name.
      .filter(({ kind, outcome }) => kind !== 'get' && outcome !== 'refused')
      .filter((operation) => {
        const { outcome, startMs, endMs } = operation
        return outcome === 'unknown' || endMs - startMs > patienceMs || hadFailed(operation)
      })
      .map(({ write }) => write)
  )
}
