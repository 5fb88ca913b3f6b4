/**
 * Every golden story, played anew and compared with what stands in its file. `UPDATE=1` writes the files: read the
 * diff before it is committed.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { playStory } from './run.ts'
import { readStory } from './script.ts'

const stories = globSync('*.txt', { cwd: import.meta.dirname }).toSorted()

test.each(stories)('%s', async (name) => {
  const path = join(import.meta.dirname, name)
  const story = readStory(readFileSync(path, 'utf8'))
  const told = await playStory(story)
  if (process.env.UPDATE === '1') writeFileSync(path, story.script + told)
  else expect(told).toBe(story.told)
})
