// Joining: every address is tried once, several at a time; each that answers counts.

import type { JoinFailure, JoinResult } from '../pool.ts';
import type { Address } from '../transport/transport.ts';
import type { Core } from './core.ts';
import { joinFailureReason } from './join-failure.ts';
import { addressBytes, formatAddress, hostOf, socketAddress } from './node.ts';
import { pushPull } from './push-pull.ts';

/** Addresses tried at the same time. */
const parallel = 8;
/** Addresses of one join, those of names together; the rest is not tried. */
const maxAddresses = 256;

interface Target {
  /** As it was given. */
  readonly address: string;
  readonly to: Address;
}

/** Pushes and pulls with all addresses. Our own address is passed over in silence. */
export async function joinAll(core: Core, addresses: readonly string[]): Promise<JoinResult> {
  const failures: JoinFailure[] = [];
  const targets: Target[] = [];
  for (const address of addresses) {
    try {
      const parsed = parseAddress(address, core.config.bind.port || core.transport.local.port);
      for (const host of await core.transport.resolve(parsed.host)) {
        targets.push({ address, to: { host: plainHost(host), port: parsed.port } });
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      failures.push({ address, reason: 'unreachable', detail });
    }
  }

  let joined = 0;
  const waiting = targets.filter(({ to }) => !isOwn(core, to)).slice(0, maxAddresses);
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      try {
        await pushPull(core, target.to, true);
        joined += 1;
      } catch (error) {
        const { reason, detail } = joinFailureReason(error);
        const at = formatAddress(target.to);
        failures.push({
          address: target.address,
          reason,
          detail: at === target.address ? detail : `${at}: ${detail}`,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return { joined, failures };
}

/**
 * Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address; memberlist 0.2.0's `name/` in
 * front is allowed. Throws with the reason.
 */
function parseAddress(address: string, defaultPort: number): Address {
  const text = address.slice(address.indexOf('/') + 1).trim();
  const match =
    /^\[(?<host>[^\]]+)\](?::(?<port>\d+))?$/.exec(text) ??
    /^(?<host>[^:]+)(?::(?<port>\d+))?$/.exec(text) ??
    /^(?<host>[0-9a-fA-F:.%\w]*:[0-9a-fA-F:.%\w]*)$/.exec(text);
  const host = match?.groups?.host;
  const port = Number(match?.groups?.port ?? defaultPort);
  if (host === undefined || !(port > 0 && port <= 0xffff)) {
    throw new RangeError(`"${address}" is no address: expected host, host:port or [IPv6]:port`);
  }
  return { host, port };
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function plainHost(host: string): string {
  return host.includes(':') && !host.includes('%') ? hostOf(addressBytes(host)) : host;
}

function isOwn(core: Core, to: Address): boolean {
  const { local } = core.transport;
  const self = core.nodes.get(core.config.name);
  const own = self === undefined ? undefined : formatAddress(socketAddress(self.node));
  return formatAddress(to) === formatAddress(local) || formatAddress(to) === own;
}
