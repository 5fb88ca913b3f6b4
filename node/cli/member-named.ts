/**
 * Which member is meant: by its name in a development ring, its id, or the end of its id.
 */
import { CommandError, exits } from './outcome.ts'

/** Fewer letters of an id would soon be those of two. */
const leastLetters = 4

/** The id of the member that is called so. Throws `CommandError`. */
export function memberNamed(
  ring: { nameOf(peer: string): string },
  ids: readonly string[],
  name: string,
): string {
  const exact = ids.find((id) => id === name || ring.nameOf(id) === name)
  const end = name.replace(/^…/, '')
  const alike = end.length < leastLetters ? [] : ids.filter((id) => id.endsWith(end))
  const found = exact ?? (alike.length === 1 ? alike[0] : undefined)
  if (found !== undefined) return found
  const message =
    alike.length > 1
      ? `${name} is the end of ${alike.length} ids.`
      : `There is no peer ${name} in this ring.`
  const names = ids.map((id) => ring.nameOf(id)).sort()
  const remedy = `Its members are ${names.join(', ')}; see \`ringlet ring\`.`
  throw new CommandError(exits.refused, 'bad-argument', message, remedy)
}
