/**
 * A tab's sleep and waking: what the browser does to a page, told to its peer.
 *
 * A page is frozen in the middle of whatever it did, and thaws minutes or days later with links that look open, requests
 * whose time is over, and copies of another day. It cannot tell by its clock: timers of a hidden page are late by a minute
 * too. So it takes the browser's word. Before it sleeps it says goodbye, so that nobody waits for its heartbeat; when it
 * wakes it first makes sure that it still is who it was (a living tab may have taken its slot), and then asks everybody
 * anew, at once.
 *
 * `offline` is no sleep. It says that there is no way to the internet, and the ring may be on this very machine: like
 * every change of the network, and like the moment at which somebody looks at the page again, it is a reason to ask who
 * answers.
 */

export interface Living {
  /** Says goodbye, and starts nothing until it wakes. */
  sleep(): void
  /** Asks everybody anew; of a peer that is awake too. */
  wake(): void
  /** Resolves when the peer is still who it was; else it never wakes. */
  isItself(): Promise<boolean>
}

/** Until `signal` aborts. */
export function followLifecycle(peer: Living, signal: AbortSignal): void {
  /** Grows with each sleep and waking: of several in a row only the last counts. */
  let turn = 0
  let isAsleep = false
  const sleep = (): void => {
    turn++
    isAsleep = true
    peer.sleep()
  }
  const wake = async (): Promise<void> => {
    const mine = ++turn
    isAsleep = false
    if ((await peer.isItself()) && mine === turn && !signal.aborted) peer.wake()
  }
  const thaw = (): void => {
    if (isAsleep) void wake()
  }
  const lookAround = (): void => {
    if (!isAsleep) peer.wake()
  }
  const lookedAt = (): void => {
    if (document.visibilityState === 'visible') lookAround()
  }
  addEventListener('pagehide', sleep, { signal })
  addEventListener('pageshow', thaw, { signal })
  addEventListener('online', lookAround, { signal })
  addEventListener('offline', lookAround, { signal })
  // A worker has none.
  if (typeof document === 'undefined') return
  document.addEventListener('freeze', sleep, { signal })
  document.addEventListener('resume', thaw, { signal })
  document.addEventListener('visibilitychange', lookedAt, { signal })
}
