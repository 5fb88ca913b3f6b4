/**
 * The truth about the last change: how far it is, what waits, and who answers. Kept in sight while one scrolls.
 */
import type { JSX } from 'preact'
import { cart, type PeerStatus } from '../index.ts'
import { inEuros, totalOf } from './money.ts'
import {
  answeringIn,
  byHost,
  reachSentence,
  type Saved,
  savedSentence,
  type StepState,
  stepStates,
  storageSentence,
  thingsSentence,
  waitingSentence,
} from './sentences.ts'
import type { Shown } from './shown.ts'

/** More names than these are a crowd: the sentence counts them. */
const mostNamed = 6

export function Strip({ shown }: { readonly shown: Shown }): JSX.Element {
  const { status, read, source, failures, isOnline } = shown
  const hasCart = status !== undefined && read !== undefined
  const isClosed = !hasCart && ('open' in failures || 'cart' in failures)
  const total = read && totalOf(cart.items(read.value))
  const closed = 'open' in failures ? 'The ring could not be opened' : 'There is no such cart'
  const saved = isClosed ? closed : hasCart ? savedSentence(savedIn(shown), source) : opening
  return (
    <section class={`strip ${isClosed ? 'closed' : ''}`} aria-label="Saved">
      <Steps saved={hasCart ? savedIn(shown) : undefined} ring={status?.ring} />
      <div class="words">
        <p id="saved">{saved}</p>
        <p id="reach" class="quiet">
          {hasCart && `${reachSentence(status, isOnline)} `}
          {hasCart && <strong>{waitingSentence(status)}</strong>}
        </p>
      </div>
      {/* Where the cart is far below the shop. */}
      <a class="to-cart" href="#cart-title">
        {total === undefined || total.things === 0 ? (
          'Cart'
        ) : (
          <>
            <span class="unseen">Cart: {thingsSentence(total)},</span> {inEuros(total.cents)}
          </>
        )}
      </a>
      {hasCart && (
        <div class="device">
          {status.members.length <= mostNamed && <Answering status={status} />}
          <p class="storage quiet">{storageSentence(status)}</p>
        </div>
      )}
    </section>
  )
}

const opening = 'Opening the ring…'

export function savedIn({ failures, read }: Shown): Saved {
  return 'shop' in failures ? 'refused' : read?.stage
}

interface StepsProps {
  readonly saved: Saved
  readonly ring: PeerStatus['ring'] | undefined
}

function Steps({ saved, ring }: StepsProps): JSX.Element {
  const [device, quorum, everywhere] = stepStates(saved)
  return (
    <ol class="steps" aria-label="The way of the last change">
      <Step name="device" state={device!} where="" />
      <Step name="quorum" state={quorum!} where={ring ? ` of ${ring.w}` : ''} />
      <Step name="everywhere" state={everywhere!} where={ring ? ` on ${ring.n}` : ''} />
    </ol>
  )
}

interface StepProps {
  readonly name: 'device' | 'quorum' | 'everywhere'
  readonly state: StepState
  readonly where: string
}

function Step({ name, state, where }: StepProps): JSX.Element {
  return (
    <li class={`step ${state.replace(' ', '-')}`}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        {state === 'failed' ? <path d="M7 7l10 10M17 7 7 17" /> : icons[name]}
      </svg>
      <span>
        {name}
        <span class="where">{where}</span>
        <span class="unseen">: {state}</span>
      </span>
    </li>
  )
}

const three = [
  [12, 6.5],
  [6, 16.5],
  [18, 16.5],
] as const

/** A screen; two of three; three of three. */
const icons = {
  device: <path d="M5.5 6h13v9h-13zM3 18.5h18" />,
  quorum: three.map(([cx, cy], at) => <circle {...{ cx, cy }} r="3" class={at < 2 ? 'has' : ''} />),
  everywhere: three.map(([cx, cy]) => <circle {...{ cx, cy }} r="3" class="has" />),
}

function Answering({ status }: { readonly status: PeerStatus }): JSX.Element {
  const answering = new Set(answeringIn(status).map(({ id }) => id))
  return (
    <ul class="answering" aria-label="Peers">
      {byHost(status.members).map(({ id, host }) => (
        <li key={id} class={answering.has(id) ? 'yes' : 'no'} title={id}>
          {host} <span class="unseen">{answering.has(id) ? 'answers' : 'does not answer'}</span>
        </li>
      ))}
    </ul>
  )
}
