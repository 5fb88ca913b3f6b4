/**
 * Codecs: each says once, in one place, how a thing is written and how it is read back, so that the wire's
 * specification and its implementation are the same few lines.
 *
 * Reading is total: any bytes give a value or a `MalformedError`. A message may grow at its end in a later version:
 * an older peer ignores what follows the fields it knows.
 */
import { type Bytes, MalformedError, Reader, Writer } from '../data/bytes.ts'

/** Sound for all that this version can tell, but of a kind that it does not know: a newer version's. */
export class NotUnderstoodError extends MalformedError {
  constructor(message: string) {
    super(message)
    this.name = 'NotUnderstoodError'
  }
}

export interface Codec<T> {
  write(writer: Writer, value: T): void
  read(reader: Reader): T
}

/** Of several fields, which can be read into a value that has others already. */
export interface FieldsCodec<T> extends Codec<T> {
  readInto(value: object, reader: Reader): T
}

export type Decoded<C> = C extends Codec<infer T> ? T : never

type Fields = Readonly<Record<string, Codec<never>>>
type Struct<F> = {
  readonly [K in keyof F as F[K] extends Late ? never : K]: Decoded<F[K]>
} & { readonly [K in keyof F as F[K] extends Late ? K : never]?: Decoded<F[K]> }

/** A field that senders may leave out. */
interface Late {
  readonly late: true
}

export const varint: Codec<number> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
}

export const boolean: Codec<boolean> = {
  write: (writer, value) => writer.boolean(value),
  read: (reader) => reader.boolean(),
}

/** A view into what is read, not a copy. */
export const bytes: Codec<Bytes> = {
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
}

export const text: Codec<string> = {
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
}

/** Exactly `length` bytes, with no length before them. */
export function fixed(length: number): Codec<Bytes> {
  return {
    write: (writer, value) => {
      if (value.length !== length) throw new RangeError(`not ${length} bytes: ${value.length}`)
      writer.raw(value)
    },
    read: (reader) => reader.raw(length),
  }
}

export function list<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    write: (writer, items) => writer.list(items, (each, value) => item.write(each, value)),
    read: (reader) => reader.list((each) => item.read(each)),
  }
}

export function optional<T>(some: Codec<T>): Codec<T | undefined> {
  return {
    write: (writer, value) => writer.optional(value, (each, present) => some.write(each, present)),
    read: (reader) => reader.optional((each) => some.read(each)),
  }
}

/** The last field of what is stored whole, added after stores were written without it: these read as `before`. */
export function added<T>(codec: Codec<T>, before: T): Codec<T> {
  return {
    write: (writer, value) => codec.write(writer, value),
    read: (reader) => (reader.left === 0 ? before : codec.read(reader)),
  }
}

/** One of the last fields of a message, added later: whoever sends none, or does not know it, means `before`. */
export function late<T>(codec: Codec<T>, before: T): Codec<T | undefined> & Late {
  const { read } = added(codec, before)
  return { late: true, read, write: (writer, value) => codec.write(writer, value ?? before) }
}

/** The very last of a message's fields that were added later: where there is nothing to tell it takes no byte. */
export function seldom<T>(codec: Codec<readonly T[]>) {
  const { write, ...rest } = late(codec, [])
  return {
    ...rest,
    write: (writer: Writer, value: readonly T[] | undefined): void => {
      if (value?.length) write(writer, value)
    },
  }
}

/** The fields one after another, in the order in which they are named here. */
export function struct<F extends { [K in keyof F]: Codec<unknown> }>(
  fields: F,
): FieldsCodec<Struct<F>> {
  const names = Object.keys(fields)
  const codecs = Object.values(fields) as Fields[string][]
  const readInto = (value: object, reader: Reader): Struct<F> => {
    const into = value as Record<string, unknown>
    // By index, as in all that runs for every field on the wire.
    for (let i = 0; i < names.length; i++) into[names[i]!] = codecs[i]!.read(reader)
    return value as Struct<F>
  }
  return {
    write: (writer, value) => {
      const fields = value as Readonly<Record<string, unknown>>
      for (let i = 0; i < names.length; i++) codecs[i]!.write(writer, fields[names[i]!] as never)
    },
    read: (reader) => readInto({}, reader),
    readInto,
  }
}

/** One of a few texts, written as its number in the list; new ones are appended. */
export function oneOf<const T extends string>(...options: readonly T[]): Codec<T> {
  return {
    write: (writer, value) => writer.varint(options.indexOf(value)),
    read: (reader) => {
      const option = options[reader.varint()]
      if (option === undefined) throw new NotUnderstoodError('an option that is not known')
      return option
    },
  }
}

type Variants = Readonly<Record<string, readonly [tag: number, codec: FieldsCodec<unknown>]>>
export type Tagged<V extends Variants> = {
  readonly [K in keyof V]: { readonly type: K } & Decoded<V[K][1]>
}[keyof V]

/** A codec that can tell from the first byte alone which of its variants follows. */
export interface Union<V extends Variants> extends Codec<Tagged<V>> {
  typeOf(tag: number): keyof V | undefined
}

/** One byte tells which; the rest is that one's codec. Tags are never reused. */
export function union<V extends Variants>(variants: V): Union<V> {
  const byTag = new Map(
    Object.entries(variants).map(([type, [tag, codec]]) => [tag, { type, codec }] as const),
  )
  return {
    write: (writer, value) => {
      const [tag, codec] = variants[value.type as string]!
      writer.u8(tag)
      codec.write(writer, value as never)
    },
    read: (reader) => {
      const variant = byTag.get(reader.u8())
      if (variant === undefined) throw new NotUnderstoodError('a kind that is not known')
      return variant.codec.readInto({ type: variant.type }, reader) as Tagged<V>
    },
    typeOf: (tag) => byTag.get(tag)?.type,
  }
}

/** What `write` makes of the value, as a codec of another type: `decode` may throw `MalformedError`. */
export function mapped<T, U>(codec: Codec<T>, encode: (u: U) => T, decode: (t: T) => U): Codec<U> {
  return {
    write: (writer, value) => codec.write(writer, encode(value)),
    read: (reader) => decode(codec.read(reader)),
  }
}

export function encode<T>(codec: Codec<T>, value: T): Bytes {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.finish()
}

/** Ignores bytes behind the value: a newer version's fields. */
export function decode<T>(codec: Codec<T>, from: Bytes): T {
  return codec.read(new Reader(from))
}
