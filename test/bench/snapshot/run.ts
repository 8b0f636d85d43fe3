// Bench: a snapshot of 150,000 instances between two processes, plain and with mutual TLS, beside a
// bare grpc-js stream of the same bytes in the same run; and the hop of a single change.
// Alone: node test/bench/snapshot/run.ts

import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeInstance } from '../../../daemon/model/record-codec.ts';
import { channelOptions } from '../../../daemon/replication/grpc-service.ts';
import { defaultLimits } from '../../../daemon/replication/limits.ts';
import { MemoryExport } from '../../replication/models/memory-export.ts';
import { MemoryImport } from '../../replication/models/memory-import.ts';
import { startSite } from '../../replication/models/site.ts';
import { testAuthority } from '../../support/certificates.ts';
import type { CertificateFiles } from '../../support/certificates.ts';
import { poll } from '../../support/poll.ts';
import { bareMethod } from './bare.ts';

const instances = 150_000;
const rounds = 3;
const hops = 300;
const limitMs = 60_000;

interface SnapshotFigures {
  /** `connect` → the sink has the proven snapshot, connection set up included. */
  readonly snapshotMs: readonly number[];
  /** The same bytes by a bare stream, connection set up included. */
  readonly bareMs: readonly number[];
  readonly goalMs: number;
  /** Judged by the median. */
  readonly goalMet: boolean;
  readonly megabytes: number;
  /** Put into the export in one process → seen by the sink in the other. */
  readonly hopMs: { readonly p50: number; readonly p99: number; readonly samples: number };
}

export interface SnapshotBench {
  readonly instances: number;
  readonly plain: SnapshotFigures;
  readonly mutualTls: SnapshotFigures;
}

/** Runs the bench; takes about half a minute. Needs openssl. */
export async function runSnapshotBench(): Promise<SnapshotBench> {
  const directory = mkdtempSync(join(tmpdir(), 'syncer-bench-'));
  try {
    const authority = testAuthority(directory);
    const here = authority.issue('importer', ['DNS:importer']);
    const there = authority.issue('exporter', ['DNS:exporter', 'IP:127.0.0.1']);
    return {
      instances,
      plain: await measure(2_000),
      mutualTls: await measure(2_500, { here, there }),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Tls {
  readonly here: CertificateFiles;
  readonly there: CertificateFiles;
}

async function measure(goalMs: number, tls?: Tls): Promise<SnapshotFigures> {
  const order = JSON.stringify({ instances, tls: tls?.there });
  const child = fork(new URL('./exporter.ts', import.meta.url), [order]);
  try {
    const [{ address, bare }] = (await once(child, 'message')) as [
      { readonly address: string; readonly bare: string },
    ];
    const snapshotMs: number[] = [];
    const bareMs: number[] = [];
    let megabytes = 0;
    for (let round = 0; round < rounds; round++) {
      bareMs.push(await bareStream(bare, tls));
      const { elapsedMs, bytes } = await snapshot(address, tls);
      snapshotMs.push(elapsedMs);
      megabytes = bytes / 1e6;
    }
    const hopMs = await hop(child, address, tls);
    return {
      snapshotMs,
      bareMs,
      goalMs,
      goalMet: quantile(snapshotMs, 0.5) <= goalMs,
      megabytes,
      hopMs,
    };
  } finally {
    child.kill('SIGKILL');
  }
}

function importer(tls: Tls | undefined): ReturnType<typeof startSite> {
  const state = { source: new MemoryExport('importer'), sinks: new Map<string, MemoryImport>() };
  return startSite(state, { push: 'never', ...(tls === undefined ? {} : { tls: tls.here }) });
}

async function snapshot(
  address: string,
  tls: Tls | undefined,
): Promise<{ elapsedMs: number; bytes: number }> {
  await using site = await importer(tls);
  const sink = site.sink('exporter');
  const startedMs = performance.now();
  const done = new Promise<number>((resolve) => {
    sink.onSnapshotEnd = () => resolve(performance.now() - startedMs);
  });
  site.replication.connect({ cluster: 'exporter', addresses: [address], tls: tls !== undefined });
  const elapsedMs = await done;
  if (sink.held.size !== instances) throw new Error(`${sink.held.size} instances came`);
  const [link] = site.replication.links();
  return { elapsedMs, bytes: link?.bytesIn ?? 0 };
}

async function bareStream(address: string, tls: Tls | undefined): Promise<number> {
  const credentials =
    tls === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(
          readFileSync(tls.here.caFile),
          readFileSync(tls.here.keyFile),
          readFileSync(tls.here.certFile),
        );
  const options = { ...channelOptions(defaultLimits), 'grpc.use_local_subchannel_pool': 1 };
  const client = new Client(address, credentials, {
    ...options,
    'grpc.ssl_target_name_override': 'exporter',
  });
  const startedMs = performance.now();
  const { path, requestSerialize, responseDeserialize } = bareMethod;
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.alloc(0),
  );
  let bytes = 0;
  call.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(call, 'end');
  client.close();
  if (bytes < instances * 200) throw new Error(`${bytes} bytes came`);
  return performance.now() - startedMs;
}

async function hop(
  child: ChildProcess,
  address: string,
  tls: Tls | undefined,
): Promise<SnapshotFigures['hopMs']> {
  await using site = await importer(tls);
  const sink = site.sink('exporter');
  site.replication.connect({ cluster: 'exporter', addresses: [address], tls: tls !== undefined });
  await poll(() => (sink.snapshotsEnded === 1 ? true : undefined), limitMs);
  const samples: number[] = [];
  sink.onUpsert = (records) => {
    const nowNs = process.hrtime.bigint();
    for (const { payload } of records) {
      const { stamp } = decodeInstance(payload).properties;
      if (stamp !== undefined && stamp !== '') samples.push(Number(nowNs - BigInt(stamp)) / 1e6);
    }
  };
  child.send(hops);
  await poll(() => (samples.length >= hops ? true : undefined), limitMs);
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), samples: samples.length };
}

function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

if (import.meta.main) console.log(JSON.stringify(await runSnapshotBench(), undefined, 2));
