// A member as others see it, and its address between opaque bytes and what a socket takes.

import { isIPv4, SocketAddress } from 'node:net';
import type { Address } from '../transport/transport.ts';

/** memberlist's states; `left` is a departure that the node announced itself. */
export type NodeStatus = 'alive' | 'suspect' | 'dead' | 'left';

/** The versions that a node speaks (serf-wire.md §3): of memberlist, and of the layer above. */
export interface Versions {
  readonly pMin: number;
  readonly pMax: number;
  readonly pCur: number;
  readonly dMin: number;
  readonly dMax: number;
  readonly dCur: number;
}

/** A snapshot: it never changes; a later state is another object. */
export interface Node {
  readonly name: string;
  /** 4 or 16 bytes, as the node advertised them; compared and passed on as they are. */
  readonly addr: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly versions: Versions;
  readonly state: NodeStatus;
}

/** Where to send to: 4-byte and IPv4-mapped addresses become dotted IPv4. Throws on other lengths. */
export function socketAddress(node: { readonly addr: Uint8Array; readonly port: number }): Address {
  return { host: hostOf(node.addr), port: node.port };
}

/** The literal of address bytes (serf-wire.md §1: normalised only for the socket call). */
export function hostOf(addr: Uint8Array): string {
  if (addr.length === 4) return addr.join('.');
  if (addr.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${addr.length}`);
  const mapped = addr.subarray(0, 10).every((byte) => byte === 0);
  if (mapped && addr[10] === 0xff && addr[11] === 0xff) return addr.subarray(12).join('.');
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((((addr[index] ?? 0) << 8) | (addr[index + 1] ?? 0)).toString(16));
  }
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}

/** The bytes to advertise for a literal address: 4 for IPv4, 16 for IPv6. */
export function addressBytes(host: string): Uint8Array {
  if (isIPv4(host)) return Uint8Array.from(host.split('.'), Number);
  const plain = host.replace(/%.*$/, '');
  const bytes = new Uint8Array(16);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  let text = plain;
  if (dotted?.[1] !== undefined && dotted[2] !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = dotted[2].split('.').map(Number);
    text = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [
    ...front,
    ...Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0),
    ...back,
  ];
  if (all.length !== 8 || all.some((group) => !(group >= 0 && group <= 0xffff))) {
    throw new RangeError(`"${host}" is not an IP address`);
  }
  all.forEach((group, index) => {
    bytes[2 * index] = group >> 8;
    bytes[2 * index + 1] = group & 0xff;
  });
  return bytes;
}

/** `host:port`, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `[pMin, pMax, pCur, dMin, dMax, dCur]`, or `undefined` where the bytes are no such six. */
export function decodeVersions(bytes: Uint8Array): Versions | undefined {
  const [pMin, pMax, pCur, dMin, dMax, dCur] = bytes;
  if (pMin === undefined || pMax === undefined || pCur === undefined) return undefined;
  if (dMin === undefined || dMax === undefined || dCur === undefined) return undefined;
  return { pMin, pMax, pCur, dMin, dMax, dCur };
}

/** The six bytes of `Vsn`. */
export function encodeVersions(versions: Versions): Uint8Array {
  const { pMin, pMax, pCur, dMin, dMax, dCur } = versions;
  return Uint8Array.of(pMin, pMax, pCur, dMin, dMax, dCur);
}
