/**
 * A look at the disks: what each member holds of a key, and what it owes. Those that hold the same stand together.
 *
 * The disks are asked and not the peers, so that looking changes nothing: no event, no repair.
 */
import { decode } from '../../src/protocol/codec.ts'
import { decodeObject, marker, storageKeys } from '../../src/protocol/record.ts'
import { type Bytes, toBinaryText } from '../../src/data/bytes.ts'
import { Member } from '../../src/peer/member.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { keyNamed, type Machine, type Stage } from './stage.ts'
import { inOrder, type Telling } from './telling.ts'

/** All keys of a story share a partition. */
const { position } = keyNamed('any')

export function look(stage: Stage, telling: Telling, name: string): void {
  const holders = new Map<string, string[]>()
  for (const machine of stage.machines) {
    if (machine.kind === 'edge') continue
    const holding = holdingOf(machine, stage, telling, name)
    holders.set(holding, [...(holders.get(holding) ?? []), machine.name])
  }
  for (const [holding, names] of holders) {
    telling.line(`${name} on the disk of ${names.join(' ')}: ${holding}`)
  }
}

/** Who owns the keys of the story, by those that run: now, and by the ring that is on its way. */
export function lookAtOwners(stage: Stage, telling: Telling): void {
  const believers = new Map<string, string[]>()
  for (const { name, process } of stage.machines) {
    if (!(process?.peer instanceof Member)) continue
    const { ring, next } = process.peer.view
    const [now, then] = [ring, next?.ring].map((each) => {
      return each && telling.names(placementOf(each, position).owners.join(' '))
    })
    const isSame = then === undefined || inOrder(then) === inOrder(now!)
    const owners = isSame ? now! : `${now}, and on their way ${then}`
    believers.set(owners, [...(believers.get(owners) ?? []), name])
  }
  for (const [owners, names] of believers)
    telling.line(`the owners, by ${names.join(' ')}: ${owners}`)
}

function holdingOf({ disk }: Machine, stage: Stage, telling: Telling, name: string): string {
  const key = keyNamed(name)
  const read = (at: Bytes): Bytes | undefined => disk.read(toBinaryText(at))
  const owed = read(storageKeys.marker(key))
  const names = owed === undefined ? '' : telling.names(decode(marker, owed).join(' '))
  const debt = names === '' ? '' : `, owed to ${inOrder(names)}`
  let held: string
  try {
    held = telling.siblings(name, decodeObject(key, read(storageKeys.object(key))).state)
  } catch {
    held = 'a damaged record'
  }
  return `${held}${debt}`
}
