import { expect, test } from 'vitest'
import { lastWrite } from '../../src/values/last-write.ts'

test('the last write wins, in the order in which siblings were written', () => {
  const theme = lastWrite({ colour: 'light' })
  const written = [{ colour: 'dark' }, { colour: 'blue' }]
  expect(written.reduce(theme.merge, theme.empty)).toEqual({ colour: 'blue' })
  expect([].reduce(theme.merge, theme.empty)).toEqual({ colour: 'light' })
})
