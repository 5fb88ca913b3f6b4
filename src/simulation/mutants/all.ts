/** Every broken build, in the order of the floors that they break. */
import { ofBuffering } from './buffering.ts'
import { ofCausality } from './causality.ts'
import { ofChanging } from './changing.ts'
import { classics } from './classics.ts'
import { ofFollowing } from './following.ts'
import { ofForeign } from './foreign.ts'
import { ofLoad } from './load.ts'
import type { Mutant } from './mutant.ts'
import { ofCrowdedKeys } from './crowded-keys.ts'
import { ofDamage } from './damage.ts'
import { ofDoubts } from './doubts.ts'
import { ofExpiring } from './expiring.ts'
import { ofMoving } from './moving.ts'
import { ofNames } from './names.ts'
import { ofQuorums } from './quorums.ts'
import { ofReaping } from './reaping.ts'
import { ofRepair } from './repair.ts'
import { ofStrictness } from './strictness.ts'
import { ofTabs } from './tabs.ts'

export const mutants: readonly Mutant[] = [
  ...classics,
  ...ofCausality,
  ...ofNames,
  ...ofDamage,
  ...ofQuorums,
  ...ofRepair,
  ...ofTabs,
  ...ofFollowing,
  ...ofStrictness,
  ...ofReaping,
  ...ofForeign,
  ...ofExpiring,
  ...ofBuffering,
  ...ofLoad,
  ...ofCrowdedKeys,
  ...ofDoubts,
  ...ofMoving,
  ...ofChanging,
]
