import { describe, expect, it } from 'vitest';
import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import { settingsSchema } from '../../proto/ipc/settings.ts';
import { causesOf, createNoticePolicy, type Cause } from './notice-policy.ts';

const wanted = settingsSchema.parse({}).notifications;
const peer: Cause = { key: 'peer-silent/shanghai', category: 'peers' };
const daemon: Cause = { key: 'process', category: 'daemon' };

describe('notifications', () => {
  it('tell of what lasts, once', () => {
    const policy = createNoticePolicy();
    expect(policy.update([peer], wanted, false, 0)).toEqual({
      show: [],
      close: [],
      againMs: 10_000,
    });
    expect(policy.update([peer], wanted, false, 4_000).againMs).toBe(6_000);
    expect(policy.update([peer], wanted, false, 10_000).show).toEqual([peer]);
    expect(policy.update([peer], wanted, false, 60_000)).toEqual({
      show: [],
      close: [],
      againMs: undefined,
    });
  });

  it('say nothing of what was over before', () => {
    const policy = createNoticePolicy();
    policy.update([peer], wanted, false, 0);
    expect(policy.update([], wanted, false, 9_000)).toEqual({
      show: [],
      close: [],
      againMs: undefined,
    });
    // It counts anew when it comes back.
    expect(policy.update([peer], wanted, false, 11_000).show).toEqual([]);
  });

  it('are taken back with their cause', () => {
    const policy = createNoticePolicy();
    policy.update([peer, daemon], wanted, false, 0);
    expect(policy.update([peer, daemon], wanted, false, 10_000).show).toEqual([peer, daemon]);
    expect(policy.update([daemon], wanted, false, 11_000).close).toEqual([peer.key]);
  });

  it('are silent while the window is looked at, and afterwards about the same', () => {
    const policy = createNoticePolicy();
    policy.update([peer], wanted, true, 0);
    expect(policy.update([peer], wanted, true, 10_000).show).toEqual([]);
    expect(policy.update([peer], wanted, false, 20_000).show).toEqual([]);
  });

  it('can be switched off by category', () => {
    const policy = createNoticePolicy();
    const some = { ...wanted, peers: false };
    policy.update([peer, daemon], some, false, 0);
    expect(policy.update([peer, daemon], some, false, 10_000).show).toEqual([daemon]);
    // Switched on again, what still lasts is told.
    expect(policy.update([peer, daemon], wanted, false, 11_000).show).toEqual([peer]);
  });
});

describe('causes', () => {
  const process: DaemonProcess = {
    state: 'running',
    pid: 1,
    sinceMs: 0,
    restarts: 0,
    reason: '',
    lastLines: [],
  };
  const condition = (code: string, severity: string) => ({
    code,
    severity,
    subject: 'x',
    text: undefined,
    remedy: undefined,
    sinceMs: 0,
  });

  it('are warnings and errors, by their category', () => {
    const conditions = [
      condition('held-removals', 'warning'),
      condition('peer-silent', 'error'),
      condition('registry-unreachable', 'error'),
      condition('no-peers', 'info'),
    ];
    expect(causesOf(process, conditions).map(({ key, category }) => [key, category])).toEqual([
      ['held-removals/x', 'held'],
      ['peer-silent/x', 'peers'],
      ['registry-unreachable/x', 'registry'],
    ]);
  });

  it('hold a daemon that was given up', () => {
    expect(causesOf({ ...process, state: 'failed' }, [])).toEqual([daemon]);
    expect(causesOf({ ...process, state: 'stopped' }, [])).toEqual([]);
  });
});
