import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createNetwork, hostsUnavailable, type Host } from './netns.ts';

/** Sends one datagram from one host to another and gives whether it arrived. */
function reaches(from: Host, to: Host): boolean {
  const listener = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.bind(5555, () => {
      require('node:child_process').spawn(process.argv[1], JSON.parse(process.argv[2]), { stdio: 'ignore' });
    });
    socket.on('message', () => process.exit(0));
    setTimeout(() => process.exit(3), 1500);`;
  const sender = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.send('x', 5555, '${to.address}', () => socket.close());`;
  const [file = '', ...args] = from.wrap([process.execPath, '-e', sender]);
  // The listener starts the sender in the other namespace once it is bound.
  const [command = '', ...rest] = to.wrap([
    process.execPath,
    '-e',
    listener,
    '--',
    file,
    JSON.stringify(args),
  ]);
  return spawnSync(command, rest).status === 0;
}

describe('hosts in namespaces', () => {
  it('reach each other, and a cut holds in one direction only', (context) => {
    const reason = hostsUnavailable();
    if (reason !== undefined) context.skip(reason);
    const network = createNetwork(2);
    try {
      const [a, b] = network.hosts as [Host, Host];
      expect(reaches(a, b)).toBe(true);
      network.cut(a, b);
      expect([reaches(a, b), reaches(b, a)]).toEqual([false, true]);
      network.heal(a, b);
      expect(reaches(a, b)).toBe(true);
    } finally {
      network.close();
    }
  });
});
