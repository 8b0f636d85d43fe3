// Every number that memberlist turns on, and its three profiles (serf-wire.md §7).

import type { Address } from '../transport/transport.ts';

/** The timing of a pool. All members should use the same profile. */
interface Timing {
  /**
   * How long one stream exchange (push/pull, TCP ping, reliable message) may take. Raising it
   * tolerates slower links; a peer that hangs then holds a stream for longer.
   */
  readonly tcpTimeoutMs: number;
  /**
   * How many peers are asked to ping a member that did not answer. Raising it makes a false
   * suspicion by one bad path rarer, at three more datagrams per missed ack and peer.
   */
  readonly indirectChecks: number;
  /**
   * A broadcast is sent RetransmitMult × ⌈log10(n + 1)⌉ times by each member. Raising it makes it
   * likelier that a lossy pool hears it, for proportionally more traffic after each change.
   */
  readonly retransmitMult: number;
  /**
   * The shortest suspicion is SuspicionMult × log10(n) × ProbeInterval. Raising it gives a slow
   * member longer to refute, and a dead one longer to be noticed.
   */
  readonly suspicionMult: number;
  /**
   * The longest suspicion, in shortest ones: what a suspicion lasts that nobody confirms
   * (Lifeguard). Raising it shields members from an accuser that is itself slow.
   */
  readonly suspicionMaxTimeoutMult: number;
  /**
   * How often the whole state is exchanged with one random member; scaled up above 32 members.
   * Lowering it heals missed gossip faster, for one full state per interval and member.
   */
  readonly pushPullIntervalMs: number;
  /**
   * How often one member is probed. Lowering it finds a failure sooner; every member then sends
   * more pings, and a stall of the process is more easily taken for a failure.
   */
  readonly probeIntervalMs: number;
  /**
   * How long a direct ack may take before others are asked. Should exceed the 99th percentile
   * of the round trip; raising it delays the indirect probes that rescue a member.
   */
  readonly probeTimeoutMs: number;
  /** How often queued messages are gossiped. Lowering it spreads news faster in more packets. */
  readonly gossipIntervalMs: number;
  /** To how many random members each gossip goes. Raising it spreads news faster, for traffic. */
  readonly gossipNodes: number;
  /**
   * For how long the dead are still gossiped to (so that a live one learns of its death and
   * refutes) and kept at all. Raising it heals longer partitions by gossip and keeps dead nodes
   * in the list for longer.
   */
  readonly gossipToTheDeadTimeMs: number;
}

export type Profile = 'lan' | 'wan' | 'local';

const lan: Timing = {
  tcpTimeoutMs: 10_000,
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  pushPullIntervalMs: 30_000,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadTimeMs: 30_000,
};

/** memberlist's profiles: one site, several sites, one machine. */
const profiles: Readonly<Record<Profile, Timing>> = {
  lan,
  wan: {
    ...lan,
    tcpTimeoutMs: 30_000,
    suspicionMult: 6,
    pushPullIntervalMs: 60_000,
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadTimeMs: 60_000,
  },
  local: {
    ...lan,
    tcpTimeoutMs: 1000,
    indirectChecks: 1,
    retransmitMult: 2,
    suspicionMult: 3,
    pushPullIntervalMs: 15_000,
    probeTimeoutMs: 200,
    gossipIntervalMs: 100,
    gossipToTheDeadTimeMs: 15_000,
  },
};

/** What arrives is held within these. */
export interface Limits {
  /** Members, dead ones included. More would let forged states fill the memory. */
  readonly maxNodes: number;
  /**
   * Datagrams waiting to be handled, of members and of strangers each. Raising it rides out
   * longer bursts; each waiting datagram holds up to 64 KiB.
   */
  readonly handoffQueueDepth: number;
  /** Datagrams handled before timers get their turn again. Raising it delays probes under load. */
  readonly datagramsPerSlice: number;
  /** Datagrams per second taken from one host without members on the sending port. */
  readonly strangerRate: number;
  /**
   * Datagrams per second taken from one member. Ten thousand is far above what a pool of a
   * thousand sends to one member.
   */
  readonly memberRate: number;
  /** Accepted streams open at once. */
  readonly maxStreams: number;
  /** memberlist refuses a push/pull from this many running ones on. */
  readonly maxPushPulls: number;
  /** Nodes in one push/pull. */
  readonly maxPushPullNodes: number;
  /** Bytes of one stream message, also after decompression. */
  readonly streamBytes: number;
  /** Bytes that all accepted streams together may hold while they are read. */
  readonly allStreamBytes: number;
  /** Bytes that one datagram may decompress to. */
  readonly datagramBytes: number;
  /** Indirect pings made for others that have not ended. */
  readonly maxRelayedPings: number;
}

const defaultLimits: Limits = {
  maxNodes: 10_000,
  handoffQueueDepth: 1024,
  datagramsPerSlice: 64,
  strangerRate: 2000,
  memberRate: 10_000,
  maxStreams: 256,
  maxPushPulls: 128,
  maxPushPullNodes: 20_000,
  streamBytes: 20 * 1024 * 1024,
  allStreamBytes: 64 * 1024 * 1024,
  datagramBytes: 64 * 1024,
  maxRelayedPings: 1024,
};

export interface MemberlistConfig extends Timing {
  /** Unique in the pool. */
  readonly name: string;
  readonly bind: Address;
  /**
   * What peers dial, a literal address. Missing: the bound address; for a wildcard, the first
   * address of this host that is not loopback.
   */
  readonly advertise?: Address;
  /** The protocol of the layer above, told to peers in `Vsn` (serf-wire.md §3). */
  readonly delegateVersions: { readonly min: number; readonly max: number; readonly cur: number };
  /** Keys of 16, 24 or 32 bytes, the primary first; empty: unencrypted. */
  readonly keys: readonly Uint8Array[];
  /** Refuse what is not encrypted. Only off while a pool changes over to encryption. */
  readonly verifyIncoming: boolean;
  /** Encrypt what is sent. Only off while a pool changes over to encryption. */
  readonly verifyOutgoing: boolean;
  /** Compress what is sent where that makes it smaller; always read compressed. */
  readonly compression: boolean;
  /** The pool's label (memberlist 0.3.0 and later); empty: none, which older members need. */
  readonly label: string;
  /**
   * The largest datagram sent, bytes. Below the path's MTU it is never fragmented; raising it
   * carries more news per packet and loses all of it when one fragment is lost.
   */
  readonly udpBufferSize: number;
  /**
   * Lifeguard: the health score stays below this, and scales the probe interval by up to this.
   * Raising it makes a slow member accuse others less and later.
   */
  readonly awarenessMaxMultiplier: number;
  /**
   * A name that has been dead for this long may come back with another address. 0: at once, as a
   * member restarted in a container wants; raising it protects names against being taken over.
   */
  readonly deadNodeReclaimTimeMs: number;
  /** Ping over a stream too when a datagram is not answered. Finds members whose UDP is blocked. */
  readonly tcpPings: boolean;
  readonly limits: Limits;
}

type Required = Pick<MemberlistConfig, 'name' | 'bind'>;

/** memberlist's defaults in a profile, with changes. */
export function memberlistConfig(
  profile: Profile,
  changes: Partial<MemberlistConfig> & Required,
): MemberlistConfig {
  return {
    ...profiles[profile],
    delegateVersions: { min: 2, max: 5, cur: 4 },
    keys: [],
    verifyIncoming: true,
    verifyOutgoing: true,
    compression: true,
    label: '',
    udpBufferSize: 1400,
    awarenessMaxMultiplier: 8,
    deadNodeReclaimTimeMs: 0,
    tcpPings: true,
    limits: defaultLimits,
    ...changes,
  };
}
