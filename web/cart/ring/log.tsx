/**
 * What happens in this tab's peer, the newest first. It is no live region: whoever cannot see it run past would hear nothing
 * else any more.
 */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { EventLog } from '../event-log.ts'
import { eventWords, type NameOf } from './words.ts'

interface Props {
  readonly log: EventLog
  readonly nameOf: NameOf
}

/** Drawn so often and not oftener. */
const pauseMs = 250

export function Log({ log, nameOf }: Props): JSX.Element {
  const [isPaused, pause] = useState(false)
  const [events, show] = useState(log.events)
  useEffect(() => {
    if (isPaused) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const draw = (): void => {
      timer = undefined
      show(log.events)
    }
    draw()
    const stop = log.listen(() => (timer ??= setTimeout(draw, pauseMs)))
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [log, isPaused])
  return (
    <section class="events" aria-labelledby="log-title">
      <div class="heading">
        <h3 id="log-title">What happens</h3>
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={isPaused}
            onChange={({ currentTarget }) => pause(currentTarget.checked)}
          />
          <span class="track" aria-hidden="true" />
          Pause
        </label>
      </div>
      <ol class="log" aria-labelledby="log-title" tabIndex={0}>
        {events.toReversed().map(({ number, at, event }) => (
          <li key={number}>
            <time>{new Date(at).toLocaleTimeString('en-GB')}</time> {eventWords(event, nameOf)}
          </li>
        ))}
      </ol>
    </section>
  )
}
