/** Runs in Node before the pages do: what a seed comes to here, for the page to compare with. */
import type { TestProject } from 'vitest/node'
import { runSeed } from '../../src/simulation/run.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    fingerprints: Readonly<Record<number, string>>
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const fingerprints: Record<number, string> = {}
  for (const seed of [1, 2, 5]) fingerprints[seed] = (await runSeed(seed)).fingerprint
  project.provide('fingerprints', fingerprints)
}
