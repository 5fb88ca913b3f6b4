/** What follows from the answer of one owner about all of them. */
import { describe, expect, it } from 'vitest'
import { isEverywhere, isForgotten } from '../../src/protocol/reconcile.ts'

const owners = ['a', 'b', 'c']

describe('a write is everywhere', () => {
  it('when all owners have it, whoever is asked', () => {
    expect(isEverywhere({ by: ['c', 'a', 'b'], owners: 3 }, owners)).toBe(true)
    expect(isEverywhere({ by: ['a', 'b'], owners: 3 }, owners)).toBe(false)
  })

  it('not by the word of one that knows of no other owner', () => {
    expect(isEverywhere({ by: ['b'], owners: 1 }, owners)).toBe(false)
  })

  it('not by the word of one that sees other owners, nor before it has those that it sees', () => {
    expect(isEverywhere({ by: ['b', 'c', 'd'], owners: 3 }, owners)).toBe(false)
    expect(isEverywhere({ by: owners, owners: 4 }, owners)).toBe(false)
  })
})

describe('a write was forgotten with its key', () => {
  it('when no owner holds anything, and one of them had it', () => {
    expect(isForgotten({ owners: 3, without: 3 }, ['a', 'd'], owners)).toBe(true)
    expect(isForgotten({ owners: 3, without: 3 }, ['d'], owners)).toBe(false)
    expect(isForgotten({ owners: 3, without: 2 }, ['a'], owners)).toBe(false)
    expect(isForgotten({ owners: 3 }, ['a'], owners)).toBe(false)
  })

  it('not by the word of one that holds nothing and knows of no other owner', () => {
    expect(isForgotten({ owners: 1, without: 1 }, ['a'], owners)).toBe(false)
  })
})
