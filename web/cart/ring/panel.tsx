/**
 * The ring, as this tab sees it just now: whose is what, who answers, who holds this cart, and what happens.
 */
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Peer, PeerStatus } from '../../index.ts'
import type { PartProps } from '../shown.ts'
import './panel.css'
import { Circle } from './circle.tsx'
import { Log } from './log.tsx'
import { type Look, Looking } from './looking.ts'
import { Members } from './members.tsx'
import { facesOf } from './names.ts'
import { Place } from './place.tsx'

export function RingPanel({ shown, asked, log }: PartProps): JSX.Element {
  const { peer, status } = shown
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // Opened by hand and not by memory: one goes where one asked to go.
    if (shown.isRingAsked) heading.current!.focus()
    const panel = heading.current!.closest('aside')!
    return () => {
      if (panel.contains(document.activeElement)) document.getElementById('ring-switch')?.focus()
    }
  }, [])
  return (
    <aside class="ring" aria-labelledby="ring-title">
      <div class="heading">
        <h2 id="ring-title" tabIndex={-1} ref={heading}>
          Ring {status && <span class="quiet">“{status.ring.name}”</span>}
        </h2>
        <button type="button" class="plain" onClick={() => asked.showRing(false)}>
          Close
        </button>
      </div>
      {peer === undefined || status === undefined ? (
        <p class="quiet">There is no ring to show yet.</p>
      ) : (
        <Ring {...{ shown, asked, log, peer, status }} />
      )}
    </aside>
  )
}

interface RingProps extends PartProps {
  readonly peer: Peer
  readonly status: PeerStatus
}

function Ring({ shown: { key, read }, log, peer, status }: RingProps): JSX.Element {
  const { ring } = peer
  const look = useLook(peer, key, [read, status])
  const [regarded, regard] = useState<string>()
  const faces = useMemo(() => facesOf(status.members), [status.members])
  return (
    <div class="inside">
      {ring.members.length === 0 ? (
        <p class="quiet">No member is known yet.</p>
      ) : (
        <Circle {...{ ring, faces, regarded, regard }} cart={key} />
      )}
      <Members {...{ status, faces, regarded, regard }} reports={look.reports} />
      <Place cart={key} status={status} location={look.location} faces={faces} />
      <Log log={log} nameOf={(member) => faces(member).name} />
    </div>
  )
}

/** What the members said last; asked anew in a while, and soon after any of `changes`. */
function useLook(peer: Peer, key: string, changes: readonly unknown[]): Look {
  const [look, see] = useState<Look>({})
  const looking = useRef<Looking>()
  useEffect(() => {
    see({})
    const started = new Looking(peer, key, see)
    looking.current = started
    return () => started.stop()
  }, [peer, key])
  useEffect(() => looking.current?.again(), changes)
  return look
}
