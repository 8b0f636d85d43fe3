import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { toCommand, toYaml } from './equivalents.ts';
import { isLoopback, readAddresses, writeInvitation } from './invitation.ts';

describe('what the wizard’s answers equal', () => {
  const values = new Map<string, unknown>([
    ['clusterName', 'lab one'],
    ['registry.addresses', ['http://10.0.0.1:30100']],
    ['gossip.bind', '10.0.0.1:30190'],
    ['gossip.join', ['10.0.0.2:30190', '10.0.0.3:30190']],
  ]);

  it('is a command line that a shell takes as it stands', () => {
    expect(toCommand(values)).toBe(
      [
        'syncer daemon',
        "--cluster-name 'lab one'",
        '--sc-addr http://10.0.0.1:30100',
        '--bind-addr 10.0.0.1:30190',
        '--join-addr 10.0.0.2:30190,10.0.0.3:30190',
      ].join(' \\\n  '),
    );
    expect(toCommand(new Map([['node', "it's"]]))).toContain(`--node 'it'\\''s'`);
  });

  it('is YAML that reads back to the same values', () => {
    expect(parse(toYaml(values))).toEqual({
      clusterName: 'lab one',
      registry: { addresses: ['http://10.0.0.1:30100'] },
      gossip: { bind: '10.0.0.1:30190', join: ['10.0.0.2:30190', '10.0.0.3:30190'] },
    });
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(parse(toYaml(new Map([['clusterName', name]])))).toEqual({ clusterName: name });
      }),
    );
  });
});

describe('an invitation', () => {
  it('is read as it was written, and bare addresses are taken, too', () => {
    const addresses = ['10.0.0.2:30190', '[fd00::1]:30190'];
    expect(readAddresses(writeInvitation(addresses))).toEqual(addresses);
    expect(readAddresses(' 10.0.0.2:30190,\n10.0.0.3:30190 ')).toEqual([
      '10.0.0.2:30190',
      '10.0.0.3:30190',
    ]);
    expect(readAddresses('')).toEqual([]);
  });

  it('knows the addresses that no other machine reaches', () => {
    expect(['127.0.0.1:30190', 'localhost', '[::1]:30190'].every(isLoopback)).toBe(true);
    expect(['10.0.0.2:30190', 'example.org:30190', '0.0.0.0:30190'].some(isLoopback)).toBe(false);
  });
});
