/**
 * The end of the turn: after everything that the current event set off, before the next one is handled.
 *
 * A microtask is too early: the promises of one event's many messages settle one after another, and each
 * would flush alone. A timer is too late: pages round it up to 4 ms. Node has `setImmediate`;
 * pages have a message that one posts to oneself.
 */

export const atTurnEnd: (run: () => void) => void = immediately() ?? postedToOneself()

function immediately(): ((run: () => void) => void) | undefined {
  return (globalThis as { setImmediate?: (run: () => void) => void }).setImmediate
}

function postedToOneself(): (run: () => void) => void {
  const { port1, port2 } = new MessageChannel()
  let queue: (() => void)[] = []
  port1.onmessage = () => {
    const runs = queue
    queue = []
    for (const run of runs) run()
  }
  return (run) => {
    if (queue.push(run) === 1) port2.postMessage(0)
  }
}
