/** The drawing of the ring: whose partition is whose, and where this cart lies. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { RingSnapshot } from '../../index.ts'
import { arcsOf, firstShares, pointAt } from './arcs.ts'
import type { Faces } from './names.ts'
import { percent } from './words.ts'

interface Props {
  readonly ring: RingSnapshot
  readonly cart: string
  readonly faces: Faces
  /** The member that is looked at. */
  readonly regarded: string | undefined
  regard(member: string | undefined): void
}

const radius = 100
const thickness = 26

export function Circle({ ring, cart, faces, regarded, regard }: Props): JSX.Element {
  const partition = ring.partitionOf('carts', cart)
  const arcs = useMemo(() => arcsOf(ring, partition, radius), [ring, partition])
  const shares = useMemo(() => firstShares(ring), [ring])
  const owners = ring.owners(partition)
  const seen = regarded ?? owners[0]
  return (
    <figure class="circle">
      <svg viewBox="-150 -150 300 300" role="img" aria-label={inWords()}>
        {[...arcs.paths].map(([member, path]) => (
          <path
            key={member}
            d={path}
            stroke={faces(member).colour}
            stroke-width={thickness}
            class={regarded !== undefined && regarded !== member ? 'faint' : ''}
            onMouseEnter={() => regard(member)}
            onMouseLeave={() => regard(undefined)}
          />
        ))}
        <Needle turn={arcs.mark} colours={owners.map((owner) => faces(owner).colour)} />
        {seen !== undefined && (
          <text class="middle">
            <tspan x="0" y="-6" class="name">
              {faces(seen).name}
            </tspan>
            <tspan x="0" y="16">
              {regarded === undefined
                ? 'first owner'
                : `first of ${percent(shares.get(seen) ?? 0)}`}
            </tspan>
          </text>
        )}
      </svg>
      <figcaption class="quiet">
        {arcs.step === 1
          ? `All ${ring.partitions} partitions, coloured by their first owner.`
          : `One in ${arcs.step} of the ${ring.partitions} partitions, coloured by its first owner.`}{' '}
        The cart of {cart} lies in partition {partition}.
      </figcaption>
    </figure>
  )

  function inWords(): string {
    const each = [...shares].map(([member, share]) => `${faces(member).name} ${percent(share)}`)
    return `Ring of ${ring.partitions} partitions. First owners: ${each.join(', ')}.`
  }
}

interface NeedleProps {
  readonly turn: number
  readonly colours: readonly string[]
}

/** Points at the cart's partition; outside of it a dot for each of its owners, the first innermost. */
function Needle({ turn, colours }: NeedleProps): JSX.Element {
  const [fromX, fromY] = pointAt(turn, radius - thickness / 2 - 14)
  const [toX, toY] = pointAt(turn, radius + thickness / 2 + 3)
  return (
    <g class="needle">
      <line x1={fromX} y1={fromY} x2={toX} y2={toY} />
      {colours.slice(0, 3).map((colour, at) => {
        const [x, y] = pointAt(turn, radius + thickness / 2 + 9 + at * 11)
        return <circle key={at} cx={x} cy={y} r="4.5" fill={colour} />
      })}
    </g>
  )
}
