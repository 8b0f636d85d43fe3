// What a site wants of the services that cross: which ones, under which names, and what becomes of
// a copy whose origin falls silent. Plain data; `sync/` applies it, `config/` reads it.

/** A glob (`orders-*`, `*`) over one field; `?` is one character, `*` any number. Case counts. */
export type Pattern = string;

/** Which services a rule speaks of. A field that is missing matches everything. */
export interface ServiceMatch {
  readonly service?: Pattern;
  readonly app?: Pattern;
  readonly environment?: Pattern;
  readonly version?: Pattern;
  readonly domain?: Pattern;
  readonly project?: Pattern;
  /** Import rules only: the cluster that the instance is native to. */
  readonly cluster?: Pattern;
}

/** New values for parts of a service's identity, for its copies here. */
export interface ServiceRename {
  readonly service?: string;
  readonly app?: string;
  readonly environment?: string;
  readonly domain?: string;
  readonly project?: string;
}

/** Changes of an endpoint's text: the first rule whose `from` is a prefix of `host[:port]` applies. */
export interface EndpointRewrite {
  readonly from: string;
  readonly to: string;
}

/** What becomes of copies whose origin is silent (design.md §6 "Silence"). */
export type AbsencePolicy =
  /** They stay until the origin speaks again. */
  | { readonly kind: 'keep' }
  /** They stay for `seconds`, then they go. */
  | { readonly kind: 'grace'; readonly seconds: number }
  /** They stay, marked OUTOFSERVICE, for `seconds` (0: without end). */
  | { readonly kind: 'quarantine'; readonly seconds: number }
  /** They go at once. */
  | { readonly kind: 'drop' };

/** One rule; the first that matches decides. */
export interface Rule {
  readonly match: ServiceMatch;
  readonly action: 'include' | 'exclude';
  readonly rename?: ServiceRename;
  readonly endpoints?: readonly EndpointRewrite[];
  /** Import rules only. */
  readonly absence?: AbsencePolicy;
  /** Shown by `explain`; a name for people. */
  readonly name?: string;
}

export interface Rules {
  /** Applied to native services before they are exported. What no rule matches is exported. */
  readonly export: readonly Rule[];
  /** Applied to the records of peers before they become copies. What no rule matches is imported. */
  readonly import: readonly Rule[];
  /** For copies whose rule names none. */
  readonly absence: AbsencePolicy;
}

export const defaultRules: Rules = {
  export: [],
  import: [],
  absence: { kind: 'grace', seconds: 600 },
};

/** When removals without proof wait for a person. */
export interface GuardLimits {
  /** Part of a peer's copies, 0 to 1. Raising it lets larger losses through unseen. */
  readonly share: number;
  /** Number of a peer's copies. */
  readonly count: number;
  /** The window that both are counted over, seconds. */
  readonly windowSeconds: number;
}

export const defaultGuardLimits: GuardLimits = { share: 0.2, count: 50, windowSeconds: 60 };
