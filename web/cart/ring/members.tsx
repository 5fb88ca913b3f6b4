/** The members, one by one: the legend of the drawing, and how each fares. */
import type { JSX } from 'preact'
import type { MemberReport, PeerStatus } from '../../index.ts'
import { byHost } from '../sentences.ts'
import type { Faces } from './names.ts'
import { shortId } from './names.ts'
import { countWords, percent, roundTripWords, stateWords } from './words.ts'

interface Props {
  readonly status: PeerStatus
  readonly reports: readonly MemberReport[] | undefined
  readonly faces: Faces
  readonly regarded: string | undefined
  regard(member: string | undefined): void
}

export function Members({ status, reports = [], faces, regarded, regard }: Props): JSX.Element {
  return (
    <section class="peers" aria-labelledby="members-title">
      <h3 id="members-title">Peers</h3>
      <ul class="members" aria-labelledby="members-title">
        {byHost(status.members).map((member) => {
          const { id, host, share } = member
          const { name, colour } = faces(id)
          const report = reports.find((each) => each.member === id)
          const state = stateWords(member, status)
          const suspecting = reports.flatMap((each) =>
            each.suspects.includes(id) ? each.member : [],
          )
          return (
            <li
              key={id}
              class={regarded === id ? 'regarded' : ''}
              onMouseEnter={() => regard(id)}
              onMouseLeave={() => regard(undefined)}
            >
              <p class="who">
                <span class="face" style={{ background: colour }} />
                <strong>{name}</strong>
                <span class="quiet id" title={id}>
                  {shortId(id)} {name !== host && `on ${host}`}
                </span>
                <span class={`state ${state === 'answers' ? 'good' : 'bad'}`}>{state}</span>
              </p>
              {suspecting.length > 0 && (
                <p class="suspected quiet">
                  Suspected by {suspecting.map((by) => faces(by).name).join(', ')}.
                </p>
              )}
              <dl>
                <Figure of="share" is={percent(share)} />
                <Figure of="round trip" is={roundTripWords(id, status)} />
                <Figure of="keys" is={countWords(report, 'keys')} />
                <Figure of="hints waiting" is={countWords(report, 'hints')} />
              </dl>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Figure({ of, is }: { readonly of: string; readonly is: string }): JSX.Element {
  return (
    <div class={is === 'unknown' ? 'unknown' : ''}>
      <dt>{of}</dt>
      <dd>{is}</dd>
    </div>
  )
}
