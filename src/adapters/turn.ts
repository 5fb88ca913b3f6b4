/**
 * The end of the turn: after everything that the current event set off, before the next one is handled.
 *
 * A microtask is too early: the promises of one event's many messages settle one after another, and each
 * would flush alone. A timer is too late: pages round it up to 4 ms. Node has `setImmediate`;
 * pages have a message that one posts to oneself.
 *
 * A page out of sight may be frozen when the present event is over, and the message comes when it thaws. What it says
 * last must have left by then, so there a microtask it is: the little that a hidden page says may well go alone.
 */

export const atTurnEnd: (run: () => void) => void = immediately() ?? postedToOneself()

function immediately(): ((run: () => void) => void) | undefined {
  return (globalThis as { setImmediate?: (run: () => void) => void }).setImmediate
}

function postedToOneself(): (run: () => void) => void {
  const { port1, port2 } = new MessageChannel()
  let queue: (() => void)[] = []
  const runAll = (): void => {
    const runs = queue
    queue = []
    for (const run of runs) run()
  }
  port1.onmessage = runAll
  return (run) => {
    const isFirst = queue.push(run) === 1
    if (isOutOfSight()) queueMicrotask(runAll)
    else if (isFirst) port2.postMessage(0)
  }
}

function isOutOfSight(): boolean {
  const { document } = globalThis as { document?: { readonly visibilityState: string } }
  return document?.visibilityState === 'hidden'
}
