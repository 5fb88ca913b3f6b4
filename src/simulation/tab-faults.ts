/**
 * What happens to tabs only: their storage is cleared, or they are all that is awake for hours.
 */
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'
import { undeliveredBy } from './undelivered.ts'

export const tabFaults = {
  'cleared tab': clear,
  'hours alone': leaveAlone,
} as const satisfies Record<string, Inflict>

/** The person clears the browser's data: what the tab had not delivered was nowhere else. */
function clear(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm } = scene
  if (cluster.edges.length === 0) return undefined
  const tab = random.pick(cluster.edges)
  const held = tab.disk.entries().length > 0
  const settle = calm.disturb([tab])
  for (const write of undeliveredBy(cluster, tab)) cluster.history.forfeit(write)
  cluster.history.forgetReceipts(tab.name)
  cluster.wipe(tab)
  return () => {
    if (tab.process === undefined) cluster.start(tab)
    settle()
    return held
  }
}

/** The members are switched off for the night, and the tabs go on writing, at the pace of a night. */
function leaveAlone(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm } = scene
  if (cluster.edges.length === 0 || cluster.nights > 0) return undefined
  cluster.nights++
  const { scheduler, chronicle, history } = cluster
  const hours = random.between(0.3, 0.8)
  cluster.wakesAtMs = scheduler.nowMs + hours * 3_600_000
  chronicle.tell('', `all members are switched off for ${Math.round(60 * hours)} minutes`)
  const settle = calm.disturb(cluster.members)
  const before = history.operations.length
  cluster.pace = 100
  for (const member of cluster.members) cluster.crash(member, true)
  scheduler.after(cluster.wakesAtMs - scheduler.nowMs, () => {
    cluster.pace = 1
    chronicle.tell('', 'all members are switched on again')
    for (const member of cluster.members) if (member.process === undefined) cluster.start(member)
    settle()
  })
  return () => history.operations.length > before
}
