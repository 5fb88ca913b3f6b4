/**
 * A look at the disks: what each member holds of a key, and what it owes. Those that hold the same stand together.
 *
 * The disks are asked and not the peers, so that looking changes nothing: no event, no repair.
 */
import { decode } from '../../src/protocol/codec.ts'
import { decodeObject, marker, storageKeys } from '../../src/protocol/record.ts'
import { type Bytes, toBinaryText } from '../../src/data/bytes.ts'
import { keyNamed, type Machine, type Stage } from './stage.ts'
import { inOrder, type Telling } from './telling.ts'

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
