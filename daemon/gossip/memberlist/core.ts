// What the parts of one memberlist share.

import type { Clock } from '../../support/clock.ts';
import type { Random } from '../../support/random.ts';
import type { Transport } from '../transport/transport.ts';
import type { Envelope } from '../wire/datagram.ts';
import type { AckTable } from './acks.ts';
import type { Awareness } from './awareness.ts';
import type { TransmitLimitedQueue } from './broadcast-queue.ts';
import type { MemberlistConfig } from './config.ts';
import type { Counters } from './counters.ts';
import type { Delegates } from './delegate.ts';
import type { NodeTable } from './node-table.ts';
import type { Packets } from './packets.ts';
import type { PatienceOptions } from './patience.ts';
import type { StateRules } from './state.ts';
import type { TroubleLog } from './trouble.ts';

export interface Core {
  readonly config: MemberlistConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly delegates: Delegates;
  readonly transport: Transport;
  readonly nodes: NodeTable;
  readonly rules: StateRules;
  readonly broadcasts: TransmitLimitedQueue;
  readonly awareness: Awareness;
  readonly acks: AckTable;
  readonly packets: Packets;
  readonly counters: Counters;
  readonly trouble: TroubleLog;
  readonly patience: PatienceOptions;
  /** Keys and rules for what is sent and received, as of now. */
  readonly envelope: () => Envelope;
}
