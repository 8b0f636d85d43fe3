// One declarative table per message: encoder, decoder and type all derive from it.
//
//   export const ping = message(messageType.ping, {
//     seqNo: ['SeqNo', u32],
//     node: ['Node', text],
//     sourceAddr: ['SourceAddr', omitEmpty(bytes)],   // written only when given
//   });
//   type Ping = Shape<typeof ping>;      // { seqNo: number; node: string; sourceAddr?: Uint8Array }
//   ping.encode({ seqNo: 1, node: 'b' });           // with the type byte
//   ping.decode(datagram.subarray(1));              // without it; throws WireError
//
// Go's rules (serf-wire.md §0, §3): keys are written sorted bytewise, unknown fields are skipped,
// a field that is absent or nil takes the zero value.

import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { encodeText } from './text.ts';

/** How a value of one kind is written and read, and what an absent one is. */
export interface Kind<T> {
  readonly zero: () => T;
  readonly write: (writer: MsgpackWriter, value: T) => void;
  /** Never sees a nil: `readOr` handles that. */
  readonly read: (reader: MsgpackReader) => T;
}

/** A field that is left out when it has nothing to say (Go's `omitempty`). */
interface OmitEmpty<T> extends Kind<T | undefined> {
  readonly omitted: true;
}

/** Any kind, as far as a table needs to know one. */
interface AnyKind {
  readonly zero: () => unknown;
  readonly write: (writer: MsgpackWriter, value: never) => void;
  readonly read: (reader: MsgpackReader) => unknown;
}

type Field = readonly [goName: string, kind: AnyKind];
type Fields = Readonly<Record<string, Field>>;
type KindOf<F> = F extends readonly [string, infer K] ? K : never;
type ValueOf<F> =
  KindOf<F> extends { readonly read: (reader: MsgpackReader) => infer T } ? T : never;
type OmittedKeys<F> = {
  [K in keyof F]: KindOf<F[K]> extends { readonly omitted: true } ? K : never;
}[keyof F];

type ShapeOfFields<F> = {
  readonly [K in Exclude<keyof F, OmittedKeys<F>>]: ValueOf<F[K]>;
} & { readonly [K in OmittedKeys<F>]?: Exclude<ValueOf<F[K]>, undefined> };

/** The TypeScript type of the values of a table. */
export type Shape<T extends { readonly zero: () => unknown }> = ReturnType<T['zero']>;

/** A msgpack map with Go's field names; itself a kind, so that tables nest. */
export interface Table<T> extends Kind<T> {
  /** Bytes of the map alone. */
  readonly encodeBody: (value: T) => Uint8Array;
  /** Reads one map; bytes behind it are ignored, as in Go. Throws `WireError`. */
  readonly decode: (bytes: Uint8Array) => T;
}

/** A table whose encoding begins with a type byte. */
export interface Message<T> extends Table<T> {
  readonly type: number;
  /** Type byte and map. */
  readonly encode: (value: T) => Uint8Array;
}

/** Fields that a map from outside may have, known or not, before it is refused. */
const maxFields = 64;
/** A Go field name is short; one above this cannot be ours and is only skipped. */
const maxFieldName = 255;

/** Derives encoder and decoder from `property: [Go name, kind]`. */
export function table<const F extends Fields>(fields: F): Table<ShapeOfFields<F>> {
  type T = ShapeOfFields<F>;
  const columns = Object.entries(fields as unknown as Record<string, [string, Kind<unknown>]>)
    .map(([property, [goName, kind]]) => ({
      property,
      goName,
      key: encodeText(goName),
      kind,
      omitted: 'omitted' in kind,
    }))
    .sort((left, right) => Buffer.compare(left.key, right.key));
  const omitsSome = columns.some(({ omitted }) => omitted);
  const byGoName = new Map(columns.map((column) => [column.goName, column]));

  const write = (writer: MsgpackWriter, value: T): void => {
    const record = value as Readonly<Record<string, unknown>>;
    // Most tables omit nothing: no list is made for them.
    const present = omitsSome
      ? columns.filter(({ omitted, property }) => !omitted || !isEmpty(record[property]))
      : columns;
    writer.mapHeader(present.length);
    for (const { key, kind, property } of present) {
      writer.bytes(key);
      kind.write(writer, record[property]);
    }
  };

  const zero = (): T => {
    const value: Record<string, unknown> = {};
    for (const { property, kind, omitted } of columns) if (!omitted) value[property] = kind.zero();
    return value as T;
  };

  const read = (reader: MsgpackReader): T => {
    const value = zero() as Record<string, unknown>;
    for (let left = reader.mapHeader(maxFields); left > 0; left -= 1) {
      const column = byGoName.get(reader.text(maxFieldName));
      if (column === undefined) reader.skip();
      else if (!reader.takeNil()) value[column.property] = column.kind.read(reader);
    }
    return value as T;
  };

  return {
    zero,
    write,
    read,
    encodeBody(value) {
      const writer = new MsgpackWriter();
      write(writer, value);
      return writer.finish();
    },
    decode: (bytes) => read(new MsgpackReader(bytes)),
  };
}

/** A table that is a message of its own: `encode` begins with `type`. */
export function message<const F extends Fields>(
  type: number,
  fields: F,
): Message<ShapeOfFields<F>> {
  const body = table(fields);
  return {
    ...body,
    type,
    encode(value) {
      const writer = new MsgpackWriter();
      writer.byte(type);
      body.write(writer, value);
      return writer.finish();
    },
  };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === 0 ||
    value === '' ||
    value === false ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

function integer(min: number, max: number): Kind<number> {
  return {
    zero: () => 0,
    write: (writer, value) => {
      if (value < min || value > max) throw new RangeError(`${value} is not in ${min}..${max}`);
      writer.int(value);
    },
    read: (reader) => reader.int(min, max),
  };
}

/** Go's `uint8`. */
export const u8 = integer(0, 0xff);
/** Go's `uint16`. */
export const u16 = integer(0, 0xffff);
/** Go's `uint32`. */
export const u32 = integer(0, 0xffff_ffff);
/** Go's `uint64`, up to 2^53 - 1; a larger one is refused with a `WireError`. */
export const u64 = integer(0, Number.MAX_SAFE_INTEGER);
/** Go's `int` and `int64` within ±(2^53 - 1); a larger one is refused with a `WireError`. */
export const i64 = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
/** A Go `int` that counts something: not negative, 32 bits. */
export const count = integer(0, 0x7fff_ffff);

/** Go's `uint64`, where one above 2^53 - 1 is read as 2^53 - 1. */
export const u64Saturated: Kind<number> = { ...u64, read: (reader) => reader.saturatedUint() };

export const bool: Kind<boolean> = {
  zero: () => false,
  write: (writer, value) => writer.bool(value),
  read: (reader) => reader.bool(),
};

export const f64: Kind<number> = {
  zero: () => 0,
  write: (writer, value) => writer.float64(value),
  read: (reader) => reader.float(),
};

/** Text of at most `maxLength` bytes. */
export function textUpTo(maxLength: number): Kind<string> {
  return {
    zero: () => '',
    write: (writer, value) => writer.text(value),
    read: (reader) => reader.text(maxLength),
  };
}

/** Text within 64 KiB, the most a datagram can hold. */
export const text = textUpTo(0xffff);

/** Nothing can be written into it, so that all missing values may share it. */
const noBytes = new Uint8Array(0);

/** Bytes of at most `maxLength`; a view of the input when read. */
export function bytesUpTo(maxLength: number): Kind<Uint8Array> {
  return {
    zero: () => noBytes,
    write: (writer, value) => writer.bytes(value),
    read: (reader) => reader.bytes(maxLength),
  };
}

/** Bytes within 64 KiB. */
export const bytes = bytesUpTo(0xffff);

/** A kind whose missing value is nil on the wire and `undefined` here (Go's nil slice or pointer). */
export function nullable<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    zero: () => undefined,
    write: (writer, value) => (value === undefined ? writer.nil() : kind.write(writer, value)),
    read: (reader) => (reader.takeNil() ? undefined : kind.read(reader)),
  };
}

/** A field that is not written when missing, zero or empty, and is then absent when read. */
export function omitEmpty<T>(kind: Kind<T>): OmitEmpty<T> {
  return { ...nullable(kind), omitted: true };
}

/** A slice of at most `maxCount` elements; nil is read as empty. */
export function list<T>(kind: Kind<T>, maxCount: number): Kind<readonly T[]> {
  return {
    zero: () => [],
    write(writer, values) {
      writer.arrayHeader(values.length);
      for (const value of values) kind.write(writer, value);
    },
    read(reader) {
      const values: T[] = [];
      for (let left = reader.arrayHeader(maxCount); left > 0; left -= 1) {
        values.push(kind.read(reader));
      }
      return values;
    },
  };
}

/** A Go map with string keys, at most `maxCount` entries, written sorted bytewise. */
export function mapOf<T>(kind: Kind<T>, maxCount: number): Kind<ReadonlyMap<string, T>> {
  return {
    zero: () => new Map(),
    write(writer, values) {
      writer.mapHeader(values.size);
      const entries = [...values].map(([key, value]) => [encodeText(key), value] as const);
      entries.sort(([left], [right]) => Buffer.compare(left, right));
      for (const [key, value] of entries) {
        writer.bytes(key);
        kind.write(writer, value);
      }
    },
    read(reader) {
      const values = new Map<string, T>();
      for (let left = reader.mapHeader(maxCount); left > 0; left -= 1) {
        const key = reader.text(0xffff);
        values.set(key, reader.takeNil() ? kind.zero() : kind.read(reader));
      }
      return values;
    },
  };
}

/** A value on its own, outside any table: its bytes. */
export function encodeValue<T>(kind: Kind<T>, value: T): Uint8Array {
  const writer = new MsgpackWriter();
  kind.write(writer, value);
  return writer.finish();
}

/**
 * A value on its own and the bytes it took. Throws `IncompleteError` where a stream must read on,
 * `WireError` where the bytes are no such value.
 */
export function decodeValue<T>(
  kind: Kind<T>,
  input: Uint8Array,
  offset = 0,
): { readonly value: T; readonly end: number } {
  const reader = new MsgpackReader(input, offset);
  const value = reader.takeNil() ? kind.zero() : kind.read(reader);
  return { value, end: reader.offset };
}
