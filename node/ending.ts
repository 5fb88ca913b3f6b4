/**
 * When a process that runs until told otherwise is to end.
 *
 * A ^C in a terminal under npm arrives twice, once from the terminal and once passed on, so a second one right after the
 * first means nothing. One that comes later comes from somebody who has lost patience. A process that was started by
 * another ends with it: the channel between the two closes however the other died.
 */

const echoMs = 1000

/** Resolves at the first wish; a later one, if it is no echo of the first, ends the process at once. */
export function wishToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstMs: number | undefined
  const wish = (): void => {
    const now = performance.now()
    if (firstMs !== undefined && now - firstMs > echoMs) process.exit(1)
    firstMs ??= now
    resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, wish)
  process.once('disconnect', wish)
  return promise
}

/** Ends the process with the exit code it has, even if something still holds it. */
export function endProcess(): void {
  if (process.connected) process.disconnect()
  setTimeout(() => process.exit(), 1000).unref()
}

/** Waits for `closing`, but not for ever: whatever was acknowledged is on the disk by then. */
export async function closeWithin(closing: Promise<void>, mostMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, mostMs)
  await Promise.race([closing, late])
  clearTimeout(timer)
}
