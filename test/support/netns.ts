// Hosts of the test's own: network namespaces joined by a bridge, so that a cable can be cut in one
// direction. Needs root and iproute2; `hostsUnavailable` says why they cannot be had.

import { execFileSync, spawnSync } from 'node:child_process';

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Gives a command line that runs inside this host. */
  wrap(command: readonly string[]): readonly string[];
}

export interface Network {
  readonly hosts: readonly Host[];
  /** Address of the test itself on the bridge. */
  readonly ownAddress: string;
  /** What `from` sends to `to` is lost from now on; the other direction still works. */
  cut(from: Host, to: Host): void;
  heal(from: Host, to: Host): void;
  close(): void;
}

/** Gives the reason why namespaces cannot be made here, or `undefined`. */
export function hostsUnavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const probe = `syprobe${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (made.error !== undefined) return 'iproute2 is not installed (command ip)';
  if (made.status !== 0) return `network namespaces cannot be made: ${made.stderr.trim()}`;
  spawnSync('ip', ['netns', 'del', probe]);
  return undefined;
}

let networks = 0;

/** Makes `count` hosts on a network of their own. Close it when done. */
export function createNetwork(count: number): Network {
  networks += 1;
  // Interface names have 15 characters; the subnet differs per process and network.
  const tag = `${(process.pid % 46_656).toString(36)}${networks.toString(36)}`;
  const subnet = `10.${100 + (process.pid % 100)}.${networks % 250}`;
  const bridge = `syb${tag}`;
  const undo: (readonly string[])[] = [];
  const ip = (...args: string[]): void => {
    execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const close = (): void => {
    for (const args of undo.reverse()) spawnSync('ip', args);
  };
  try {
    ip('link', 'add', bridge, 'type', 'bridge');
    undo.push(['link', 'del', bridge]);
    ip('addr', 'add', `${subnet}.254/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    const hosts = Array.from({ length: count }, (_, index): Host => {
      const name = `sy${tag}n${index}`;
      const address = `${subnet}.${index + 1}`;
      ip('netns', 'add', name);
      undo.push(['netns', 'del', name]);
      ip('link', 'add', `sy${tag}v${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('link', 'set', `sy${tag}v${index}`, 'master', bridge, 'up');
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      return { name, address, wrap: (command) => ['ip', 'netns', 'exec', name, ...command] };
    });
    return {
      hosts,
      ownAddress: `${subnet}.254`,
      cut: (from, to) => ip('-n', from.name, 'route', 'add', 'blackhole', `${to.address}/32`),
      heal: (from, to) => ip('-n', from.name, 'route', 'del', 'blackhole', `${to.address}/32`),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
