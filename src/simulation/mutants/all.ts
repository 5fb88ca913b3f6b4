/** Every broken build, in the order of the floors that they break. */
import { ofCausality } from './causality.ts'
import { classics } from './classics.ts'
import type { Mutant } from './mutant.ts'
import { ofQuorums } from './quorums.ts'
import { ofRepair } from './repair.ts'
import { ofStrictness } from './strictness.ts'
import { ofTabs } from './tabs.ts'

export const mutants: readonly Mutant[] = [
  ...classics,
  ...ofCausality,
  ...ofQuorums,
  ...ofRepair,
  ...ofTabs,
  ...ofStrictness,
]
