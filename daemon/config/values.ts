// The kinds of value that a configuration holds beside plain text and numbers: how each is written,
// and what the daemon gets of it. A wrong one names what was expected as a message key.

import { z } from 'zod';
import type { MessageKey } from '../../proto/translate.ts';
import type { AbsencePolicy } from '../model/rules.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A domain and project of a registry that has them (servicecenter-api.md §2). */
export interface Tenant {
  readonly domain: string;
  readonly project: string;
}

/** Text that `read` understands, or a problem that says what was expected. */
function readAs<T>(expects: MessageKey, read: (text: string) => T | undefined) {
  return z.string().transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', params: { expects }, input: text });
    return z.NEVER;
  });
}

/** `host:port` or `[ipv6]:port`; port 0 lets the system choose where we listen. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export const listenAddress = readAs('config.expects.listen-address', parseHostPort);

export const peerAddress = readAs('config.expects.peer-address', (text) => {
  const parsed = parseHostPort(text);
  return parsed === undefined || parsed.port === 0 ? undefined : parsed;
});

/** A gossip address to join; the port may be left out for the default one. */
export const joinAddress = readAs('config.expects.join-address', (text) => {
  const place = /:\d+$/.test(text) && !/^[^[]*:.*:/.test(text) ? text : `${text}:30190`;
  const parsed = parseHostPort(place);
  return parsed === undefined || parsed.port === 0 ? undefined : place;
});

/** The base address of a registry or of etcd; accounts belong elsewhere, where they are redacted. */
export const baseUrl = readAs('config.expects.base-url', (text) => {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  const http = url.protocol === 'http:' || url.protocol === 'https:';
  return plain && http && url.hostname !== '' ? text.replace(/\/+$/, '') : undefined;
});

export const tenant = readAs('config.expects.tenant', (text): Tenant | undefined => {
  const match = /^([^/\s]+)\/([^/\s]+)$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { domain: match[1], project: match[2] };
});

/** A name that fits into the tags of a member, which have 512 bytes in all (serf-wire.md §9). */
export const poolName = readAs('config.expects.pool-name', (text) =>
  text.trim() === text && text !== '' && Buffer.byteLength(text) <= 128 && !hasControl(text)
    ? text
    : undefined,
);

/** A base64 key of 16, 24 or 32 bytes (AES-128, -192, -256). */
export const gossipKey = readAs('config.expects.gossip-key', (text) =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(text) &&
  [16, 24, 32].includes(Buffer.from(text, 'base64').length) &&
  Buffer.from(text, 'base64').toString('base64') === text
    ? text
    : undefined,
);

/** `keep`, `drop`, `grace 10m`, `quarantine 1h`, `quarantine` (without end). */
export const absencePolicy = readAs('config.expects.absence', (text): AbsencePolicy | undefined => {
  const [kind, duration, ...rest] = text.trim().split(/\s+/);
  if (rest.length > 0) return undefined;
  const seconds = duration === undefined ? undefined : parseSeconds(duration);
  if (duration !== undefined && seconds === undefined) return undefined;
  switch (kind) {
    case 'keep':
    case 'drop':
      return duration === undefined ? { kind } : undefined;
    case 'grace':
      return seconds === undefined ? undefined : { kind, seconds };
    case 'quarantine':
      return { kind, seconds: seconds ?? 0 };
    default:
      return undefined;
  }
});

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `10m`, `2h`, `1d`; up to a year. */
function parseSeconds(text: string): number | undefined {
  const match = /^(\d{1,8})([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * (unitSeconds[match?.[2] ?? ''] ?? Number.NaN);
  return Number.isNaN(seconds) || seconds > 365 * 86_400 ? undefined : seconds;
}

/** Whether a text holds control characters. */
function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
