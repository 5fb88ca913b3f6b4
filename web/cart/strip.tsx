/**
 * The truth about the last change: how far it is, what waits, and who answers. Kept in sight while one scrolls.
 */
import type { JSX } from 'preact'
import { cart, type PeerStatus, RingletError } from '../index.ts'
import { Drawing } from './drawing.tsx'
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
  if (!('shop' in failures)) return read?.stage
  // What a defect did is anybody's guess.
  return failures.shop instanceof RingletError ? failures.shop.outcome : 'unknown'
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
  const kind = state.replace(' ', '-')
  return (
    <li class={`step ${kind}`}>
      <Drawing of={state === 'failed' || state === 'in doubt' ? kind : name} />
      <span>
        {name}
        <span class="where">{where}</span>
        <span class="unseen">: {state}</span>
      </span>
    </li>
  )
}

function Answering({ status }: { readonly status: PeerStatus }): JSX.Element {
  const answering = new Set(answeringIn(status).map(({ id }) => id))
  const silent = status.gate === 'closed' ? 'unknown' : 'does not answer'
  return (
    <ul class="answering" aria-label="Peers">
      {byHost(status.members).map(({ id, host }) => (
        <li key={id} class={answering.has(id) ? 'yes' : 'no'} title={id}>
          {host} <span class="unseen">{answering.has(id) ? 'answers' : silent}</span>
        </li>
      ))}
    </ul>
  )
}
