/**
 * How the kernel speaks with a file system in user space: FUSE's messages, as far as a store needs them.
 *
 * Each request has a header of 40 bytes, each answer one of 16; all numbers are as this machine has them, which is taken to
 * be little-endian. Said in full in the kernel's `include/uapi/linux/fuse.h`.
 */
import { endianness } from 'node:os'

export const operations = {
  1: 'lookup',
  2: 'forget',
  3: 'getattr',
  4: 'setattr',
  9: 'mkdir',
  10: 'unlink',
  11: 'rmdir',
  12: 'rename',
  13: 'link',
  14: 'open',
  15: 'read',
  16: 'write',
  17: 'statfs',
  18: 'release',
  20: 'fsync',
  26: 'init',
  27: 'opendir',
  28: 'readdir',
  29: 'releasedir',
  30: 'fsyncdir',
  35: 'create',
  36: 'interrupt',
  38: 'destroy',
  42: 'forgetMany',
  45: 'rename2',
} as const

export type Operation = (typeof operations)[keyof typeof operations]

export interface Request {
  /** Undefined for one that this file system does not know. */
  readonly operation: Operation | undefined
  readonly number: bigint
  readonly inode: number
  readonly body: Buffer
}

export const largestWrite = 1024 * 1024
/** What the device is to be read with: the largest write with its headers. */
export const requestBytes = largestWrite + 4096

const requestHeader = 40
const replyHeader = 16
/** Only this machine changes the disk: what the kernel knows of it stays true. */
const validSeconds = 3600n

export function readRequest(buffer: Buffer, length: number): Request {
  const operation = operations[buffer.readUInt32LE(4) as keyof typeof operations]
  return {
    operation,
    number: buffer.readBigUInt64LE(8),
    inode: Number(buffer.readBigUInt64LE(16)),
    // Writes are kept for as long as they are not synced, and the buffer is used again.
    body: Buffer.from(buffer.subarray(requestHeader, length)),
  }
}

/** `errno` is 0 when all is well. */
export function writeReply(number: bigint, errno: number, body: Buffer): Buffer {
  const reply = Buffer.alloc(replyHeader + body.length)
  reply.writeUInt32LE(reply.length, 0)
  reply.writeInt32LE(-errno, 4)
  reply.writeBigUInt64LE(number, 8)
  body.copy(reply, replyHeader)
  return reply
}

/** Version 7.31; of all that the kernel offers only large writes are taken. */
export function initReply(): Buffer {
  if (endianness() !== 'LE') throw new Error('this file system is for little-endian machines')
  const [bigWrites, maxPages] = [1 << 5, 1 << 22]
  const body = Buffer.alloc(64)
  body.writeUInt32LE(7, 0)
  body.writeUInt32LE(31, 4)
  body.writeUInt32LE(largestWrite, 8)
  body.writeUInt32LE(bigWrites | maxPages, 12)
  body.writeUInt16LE(16, 16)
  body.writeUInt16LE(12, 18)
  body.writeUInt32LE(largestWrite, 20)
  body.writeUInt32LE(1, 24)
  body.writeUInt16LE(largestWrite / 4096, 28)
  return body
}

export interface Attributes {
  readonly inode: number
  readonly length: number
  readonly mode: number
  readonly isFolder: boolean
}

export function attributesReply(attributes: Attributes): Buffer {
  const body = Buffer.alloc(16)
  body.writeBigUInt64LE(validSeconds, 0)
  return Buffer.concat([body, attributesBytes(attributes)])
}

export function entryReply(attributes: Attributes): Buffer {
  const body = Buffer.alloc(40)
  body.writeBigUInt64LE(BigInt(attributes.inode), 0)
  body.writeBigUInt64LE(validSeconds, 16)
  body.writeBigUInt64LE(validSeconds, 24)
  return Buffer.concat([body, attributesBytes(attributes)])
}

/** The pages that the kernel has of a file stay when somebody opens it again. */
export function openReply(): Buffer {
  const keepCache = 1 << 1
  const body = Buffer.alloc(16)
  body.writeUInt32LE(keepCache, 8)
  return body
}

export function writtenReply(bytes: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeUInt32LE(bytes, 0)
  return body
}

/** A disk of 4 GiB that is always empty. */
export function statfsReply(): Buffer {
  const body = Buffer.alloc(80)
  for (const at of [0, 8, 16, 24, 32]) body.writeBigUInt64LE(1024n * 1024n, at)
  body.writeUInt32LE(4096, 40)
  body.writeUInt32LE(255, 44)
  body.writeUInt32LE(4096, 48)
  return body
}

/** As many of `names` from the `from`-th as have room in `room` bytes. */
export function folderReply(
  names: readonly { readonly name: string; readonly inode: number; readonly isFolder: boolean }[],
  from: number,
  room: number,
): Buffer {
  const parts: Buffer[] = []
  let length = 0
  for (const [i, { name, inode, isFolder }] of names.entries()) {
    if (i < from) continue
    const text = Buffer.from(name)
    const part = Buffer.alloc(8 * Math.ceil((24 + text.length) / 8))
    part.writeBigUInt64LE(BigInt(inode), 0)
    part.writeBigUInt64LE(BigInt(i + 1), 8)
    part.writeUInt32LE(text.length, 16)
    part.writeUInt32LE(isFolder ? 4 : 8, 20)
    text.copy(part, 24)
    if ((length += part.length) > room) break
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function attributesBytes({ inode, length, mode, isFolder }: Attributes): Buffer {
  const [folder, regular] = [0o040000, 0o100000]
  const bytes = Buffer.alloc(88)
  bytes.writeBigUInt64LE(BigInt(inode), 0)
  bytes.writeBigUInt64LE(BigInt(length), 8)
  bytes.writeBigUInt64LE(BigInt(Math.ceil(length / 512)), 16)
  bytes.writeUInt32LE((isFolder ? folder : regular) | (mode & 0o7777), 60)
  bytes.writeUInt32LE(1, 64)
  bytes.writeUInt32LE(4096, 80)
  return bytes
}
