/**
 * Scripts that are none: the error names the line, so that its author need not guess.
 */
import { describe, expect, test } from 'vitest'
import { playStory } from './run.ts'
import { readStory } from './script.ts'

const head = '# A claim.\nring peers=a,b,c n=3\n'

test('a script is read by the usage of its commands', () => {
  const file = `${head}\nedge x\n# A remark.\nput via=a by=ann colour=green\ncut a,b from=c\n---\ntold\n`
  const { title, commands, script, told } = readStory(file)
  expect(title).toBe('A claim.')
  expect(commands).toEqual([
    { verb: 'ring', line: 2, given: { peers: 'a,b,c', n: '3' } },
    { verb: 'edge', line: 4, given: { peers: 'x' } },
    { verb: '#', line: 5, given: { remark: 'A remark.' } },
    { verb: 'put', line: 6, given: { via: 'a', by: 'ann', key: 'colour', word: 'green' } },
    { verb: 'cut', line: 7, given: { peers: 'a,b', from: 'c' } },
  ])
  expect(script + told).toBe(file)
  expect(told).toBe('told\n')
})

describe('a bad line is named:', () => {
  test.each([
    [
      'no such command',
      `${head}burn a\n---`,
      /^line 3: there is no command burn; there are #, ring/,
    ],
    [
      'a blank left out',
      `${head}put via=a\n---`,
      /^line 3: put via=a is not put via=PEER \[by=NAME\]/,
    ],
    ['something left over', `${head}crash a now\n---`, /^line 3: crash a now is not crash PEERS$/],
    [
      'a value of the wrong kind',
      `${head}\nwait soon\n---`,
      /^line 4: wait soon is not wait TIME$/,
    ],
    ['two blanks between words', `${head}crash  a\n---`, /^line 3: /],
    ['a line that only begins like one', `${head}heal me\n---`, /^line 3: heal me is not heal$/],
    ['a name that objects have', `${head}toString\n---`, /^line 3: there is no command toString/],
    [
      'a peer that the ring has not',
      `${head}crash a\nput via=d k=v\n---`,
      /^line 4: there is no peer d$/,
    ],
    ['an edge before it is there', `${head}cut x\nedge x\n---`, /^line 3: there is no peer x$/],
    ['a peer on the far side of a cut', `${head}cut a to=d\n---`, /^line 3: there is no peer d$/],
    ['a peer named twice', `${head}edge a\n---`, /^line 3: there is a peer a already$/],
    ['a second ring', `${head}ring peers=d\n---`, /^line 3: a script begins with its one ring$/],
    [
      'a deed before the ring',
      '# A claim.\nheal\nring peers=a\n---',
      /^line 2: a script begins with/,
    ],
    ['no ring at all', '# A claim.\n---', /^a script begins with its one ring$/],
    ['no claim', 'ring peers=a\n---', /^line 1: a story begins with # and its claim$/],
    ['no line below the script', head, /^a story needs a line of ---/],
  ])('%s', (_what, file, complaint) => {
    expect(() => readStory(file)).toThrow(complaint)
  })
})

describe('a line that cannot be played is named:', () => {
  test.each([
    ['a second crash', 'crash a\ncrash a', /^line 4: a does not run$/],
    ['a put at the dead', 'crash a\nput via=a colour=green', /^line 4: a does not run$/],
    ['a restart of the living', 'restart a', /^line 3: a runs already$/],
    ['a bit of no record', 'flip a colour', /^line 3: there is no such record$/],
  ])('%s', async (_what, lines, complaint) => {
    await expect(playStory(readStory(`${head}${lines}\n---\n`))).rejects.toThrow(complaint)
  })
})
