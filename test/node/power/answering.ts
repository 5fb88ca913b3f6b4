/**
 * What a forgetful disk answers to the kernel's requests, and where a deed is judged before it is done.
 */
import type { Deed, Judge, Judgement } from './deed.ts'
import { DiskError, type ForgetfulDisk } from './forgetful-disk.ts'
import {
  type Attributes,
  attributesReply,
  entryReply,
  folderReply,
  initReply,
  openReply,
  type Request,
  statfsReply,
  writtenReply,
} from './wire.ts'

const nothing = Buffer.alloc(0)

/** Undefined for what is not answered at all. Throws `DiskError`. */
export function answer(
  disk: ForgetfulDisk,
  { operation, inode, body }: Request,
  { judge, luck }: Judgement,
): Buffer | undefined {
  const done = (deed: Deed['operation'], path: string, act: () => Buffer): Buffer | undefined =>
    judged(judge({ operation: deed, path }), act, () => disk.failSync(inode, luck))
  const here = (): string => disk.node(inode).path
  const named = (name: string): string => disk.path(inode, name)
  switch (operation) {
    case 'init':
      return initReply()
    case 'lookup':
      return entryReply(attributesOf(disk, disk.lookUp(inode, text(body))))
    case 'getattr':
      return attributesReply(attributesOf(disk, inode))
    case 'setattr': {
      const hasLength = (body.readUInt32LE(0) & (1 << 3)) !== 0
      if (!hasLength) return attributesReply(attributesOf(disk, inode))
      return done('resize', here(), () => {
        disk.file(inode).resize(Number(body.readBigUInt64LE(16)))
        return attributesReply(attributesOf(disk, inode))
      })
    }
    case 'open':
    case 'opendir':
      disk.node(inode)
      return openReply()
    case 'read':
      return disk.file(inode).read(Number(body.readBigUInt64LE(8)), body.readUInt32LE(16))
    case 'readdir':
      return folderReply(
        namesOf(disk, inode),
        Number(body.readBigUInt64LE(8)),
        body.readUInt32LE(16),
      )
    case 'write':
      return done('write', here(), () => {
        const bytes = body.subarray(40)
        disk.file(inode).write(Number(body.readBigUInt64LE(8)), bytes)
        return writtenReply(bytes.length)
      })
    case 'fsync':
    case 'fsyncdir':
      return done('sync', here(), () => {
        disk.sync(inode)
        return nothing
      })
    case 'create':
      return done('names', named(text(body, 16)), () => {
        const made = disk.makeFile(inode, text(body, 16), body.readUInt32LE(4))
        return Buffer.concat([entryReply(attributesOf(disk, made)), openReply()])
      })
    case 'mkdir':
      return done('names', named(text(body, 8)), () => {
        const made = disk.makeFolder(inode, text(body, 8), body.readUInt32LE(0))
        return entryReply(attributesOf(disk, made))
      })
    case 'link':
      return done('names', named(text(body, 8)), () => {
        const linked = Number(body.readBigUInt64LE(0))
        disk.link(inode, text(body, 8), linked)
        return entryReply(attributesOf(disk, linked))
      })
    case 'unlink':
    case 'rmdir':
      return done('names', named(text(body)), () => {
        disk.unlink(inode, text(body))
        return nothing
      })
    case 'rename':
    case 'rename2': {
      const from = text(body, operation === 'rename' ? 8 : 16)
      const to = text(body, (operation === 'rename' ? 8 : 16) + Buffer.byteLength(from) + 1)
      return done('names', named(from), () => {
        disk.rename(inode, from, Number(body.readBigUInt64LE(0)), to)
        return nothing
      })
    }
    case 'statfs':
      return statfsReply()
    case 'release':
    case 'releasedir':
    case 'destroy':
      return nothing
    case 'forget':
    case 'forgetMany':
    case 'interrupt':
      return undefined
    case undefined:
      throw new DiskError('ENOSYS')
  }
}

function judged(
  verdict: ReturnType<Judge>,
  act: () => Buffer,
  fail: () => void,
): Buffer | undefined {
  if (verdict === 'cut-before') return undefined
  if (verdict === 'lie') return nothing
  if (verdict === 'fail') {
    fail()
    throw new DiskError('EIO')
  }
  const reply = act()
  return verdict === 'cut-after' ? undefined : reply
}

function attributesOf(disk: ForgetfulDisk, inode: number): Attributes {
  const { mode, file } = disk.node(inode)
  return { inode, mode, length: file?.length ?? 0, isFolder: file === undefined }
}

function namesOf(disk: ForgetfulDisk, folder: number) {
  return disk
    .folder(folder)
    .entries()
    .map(([name, inode]) => ({
      name,
      inode,
      isFolder: disk.node(inode).folder !== undefined,
    }))
}

function text(body: Buffer, from = 0): string {
  return body.toString('utf8', from, body.indexOf(0, from))
}
