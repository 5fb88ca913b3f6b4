/** How a fault that stopped a machine starts it again. */
import type { Machine } from './machine.ts'
import type { Scene } from './scene.ts'

/** Starts the peer of a machine that runs none, unless it is night: then it starts in the morning. */
export function restart({ cluster }: Scene, machine: Machine): void {
  if (machine.process !== undefined) return
  if (machine.kind === 'member' && cluster.scheduler.nowMs < cluster.wakesAtMs) return
  cluster.start(machine)
}
