// What a site of one kind of registry is to the tests that put several kinds into one pool.

import type { RegistryContent } from '../../support/checker/read-registry.ts';
import type { Natives } from './natives.ts';

export type Kind = 'servicecenter' | 'eureka' | 'nacos' | 'consul';

/** An ordinary application: what every kind has words for. */
export interface NativeWish {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Said as applications of the kind say it. */
  readonly version?: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly leaseSeconds?: number;
}

export interface KindOfSite {
  readonly kind: Kind;
  /** What the syncer is given; the line to it can be cut. */
  readonly address: string;
  /** The registry itself, as applications reach it. */
  readonly url: string;
  readonly flags: readonly string[];
  readonly natives: Natives;
  /** What the registry answers for itself, past the line. */
  read(): Promise<RegistryContent>;
  /** Gives its id (`serviceId/instanceId`). */
  register(wish: NativeWish): Promise<string>;
  /** The registry ends, and comes up with nothing. */
  forget(): Promise<void>;
  /** The syncer reaches the registry no more; applications do. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}
