import { describe, expect, test } from 'vitest'
import { ForgetfulDisk, rootInode } from './forgetful-disk.ts'
import type { Luck } from './forgetful-file.ts'

const nothingStays: Luck = { stays: () => false, sectorBytes: 512, inOrder: true }
const allStays: Luck = { stays: () => true, sectorBytes: 512, inOrder: true }

/** Stays as told, one after the other. */
function luck(...stays: readonly boolean[]): Luck {
  let next = 0
  return { stays: () => stays[next++]!, sectorBytes: 512, inOrder: false }
}

function read(disk: ForgetfulDisk, name: string): string {
  return disk.file(disk.lookUp(rootInode, name)).read(0, 10_000).toString()
}

function names(disk: ForgetfulDisk): string[] {
  return disk
    .folder(rootInode)
    .entries()
    .map(([name]) => name)
}

describe('a forgetful disk', () => {
  test('keeps what was synced, and shows what was not until the power goes', () => {
    const disk = new ForgetfulDisk()
    const inode = disk.makeFile(rootInode, 'a', 0o644)
    disk.file(inode).write(0, Buffer.from('first'))
    disk.sync(inode)
    disk.sync(rootInode)
    disk.file(inode).write(5, Buffer.from(' second'))
    expect(read(disk, 'a')).toBe('first second')
    expect(read(disk.afterCut(nothingStays), 'a')).toBe('first')
    expect(read(disk.afterCut(allStays), 'a')).toBe('first second')
  })

  test('loses a synced file whose folder was not synced', () => {
    const disk = new ForgetfulDisk()
    const inode = disk.makeFile(rootInode, 'a', 0o644)
    disk.file(inode).write(0, Buffer.from('first'))
    disk.sync(inode)
    expect(names(disk.afterCut(nothingStays))).toEqual([])
  })

  test('tears a write between sectors, and may keep an older write of one', () => {
    const disk = new ForgetfulDisk()
    const inode = disk.makeFile(rootInode, 'a', 0o644)
    disk.sync(rootInode)
    disk.file(inode).write(0, Buffer.alloc(1024, 'x'))
    disk.file(inode).write(0, Buffer.alloc(1024, 'y'))
    expect(read(disk.afterCut(luck(true, true, false, true)), 'a')).toBe(
      'x'.repeat(512) + 'y'.repeat(512),
    )
    expect(read(disk.afterCut(luck(true, true, false, false)), 'a')).toBe('x'.repeat(1024))
    expect(read(disk.afterCut(luck(false, true, false, false)), 'a')).toBe(
      '\0'.repeat(512) + 'x'.repeat(512),
    )
  })

  test('takes pages for clean after a failed sync: a second sync brings nothing back', () => {
    const disk = new ForgetfulDisk()
    const inode = disk.makeFile(rootInode, 'a', 0o644)
    disk.sync(rootInode)
    disk.file(inode).write(0, Buffer.from('first'))
    disk.failSync(inode, nothingStays)
    disk.sync(inode)
    expect(read(disk, 'a')).toBe('first')
    expect(read(disk.afterCut(allStays), 'a')).toBe('')
  })

  test('renames as a whole: both names change, or neither', () => {
    const disk = new ForgetfulDisk()
    disk.makeFile(rootInode, 'a', 0o644)
    disk.sync(rootInode)
    disk.rename(rootInode, 'a', rootInode, 'b')
    expect(names(disk.afterCut(nothingStays))).toEqual(['a'])
    expect(names(disk.afterCut(allStays))).toEqual(['b'])
  })

  test('forgets names in any order, or from one on if it keeps a journal', () => {
    const disk = new ForgetfulDisk()
    for (const name of ['a', 'b', 'c']) disk.makeFile(rootInode, name, 0o644)
    expect(names(disk.afterCut(luck(true, false, true, true, true)))).toEqual(['a', 'c'])
    const journal = { ...luck(true, false, true, true, true), inOrder: true }
    expect(names(disk.afterCut(journal))).toEqual(['a'])
  })
})
