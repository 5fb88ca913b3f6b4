/**
 * The same verdicts by another road: the happens-before graph of a history, and who can be reached from whom in it.
 *
 * The checker carries closed sets along and looks up members. Here nothing is carried: only what each writer had directly
 * to do with is believed, paths are found by trying all of them (Warshall), and a verdict is a question about paths.
 */
import type { Operation } from '../../src/simulation/history.ts'

/** `P1 w3`: lost. `P2 w3 w7`: w3 stands beside w7, which came after it. */
export function verdicts(
  operations: readonly Operation[],
  present: readonly number[],
  mayRepeat: (write: number) => boolean,
): Set<string> {
  const reaches = pathsOf(operations)
  const found = new Set<string>()
  for (const { kind, outcome, write } of operations) {
    if (kind === 'get' || outcome !== 'done') continue
    const kept = present.some((last) => last === write || reaches[last]![write] === true)
    if (!kept) found.add(`P1 w${write}`)
  }
  for (const newer of present) {
    for (const older of present) {
      if (reaches[newer]![older] === true && !mayRepeat(older)) found.add(`P2 w${older} w${newer}`)
    }
  }
  return found
}

/** `P4 w3 w7`: the get w7 began after w3 was acknowledged, and returned nothing that comes from it. */
export function staleVerdicts(operations: readonly Operation[]): Set<string> {
  const reaches = pathsOf(operations)
  const found = new Set<string>()
  for (const get of operations) {
    for (const put of operations) {
      if (get.kind !== 'get' || put.kind === 'get' || !get.strict || !put.strict) continue
      const isBefore = put.outcome === 'done' && put.quorumMs < get.startMs
      if (!isBefore || get.outcome !== 'done') continue
      const { write } = put
      const isShown = get.returned.some((last) => last === write || reaches[last]![write] === true)
      if (!isShown) found.add(`P4 w${write} w${get.id}`)
    }
  }
  return found
}

function pathsOf(operations: readonly Operation[]): boolean[][] {
  const size = operations.length
  const reaches = Array.from({ length: size }, () => Array.from({ length: size }, () => false))
  for (const { write, basis } of operations) for (const each of basis) reaches[write]![each] = true
  for (let middle = 0; middle < size; middle++) {
    for (let from = 0; from < size; from++) {
      if (reaches[from]![middle] !== true) continue
      for (let to = 0; to < size; to++) {
        if (reaches[middle]![to] === true) reaches[from]![to] = true
      }
    }
  }
  return reaches
}
