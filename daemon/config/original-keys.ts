// The YAML keys of the original Go syncer, in both of its dialects (go-syncer.md §1.1, §1.2), and
// what to write instead. They are refused with that advice rather than read: most of them had no
// effect there, so that honouring them would change what a site does.

/** Old path → new key; `none`: nothing replaces it. */
const replacements: ReadonlyMap<string, string> = new Map([
  // 1.3.0
  ['log_file', 'log.file'],
  ['join_addr', 'gossip.join'],
  ['ticker_interval', 'none'],
  ['profile', 'gossip.profile'],
  ['enable_compression', 'none'],
  ['auto_sync', 'none'],
  ['tls_config', 'tls'],
  ['servicecenter', 'registry'],
  ['cluster_port', 'cluster.port'],
  // 1.4.0 to 2.0.0
  ['listener', 'gossip.bind, gossip.advertise, rpc.bind, cluster.port'],
  ['join', 'gossip.join'],
  ['task', 'none'],
  ['registry.plugin', 'registry.kind'],
  ['registry.address', 'registry.addresses'],
  ['registry.tlsMount', 'registry.tls'],
  ['tlsConfigs', 'tls, registry.tls'],
]);

/**
 * Gives what replaces a key of the original, `undefined` when it is none of its keys. `cluster` is
 * the original's only where it is a text: ours is a group.
 */
export function originalKeyReplacement(path: string, value: unknown): string | undefined {
  if (path === 'cluster' && typeof value === 'string') return 'clusterName';
  return replacements.get(path);
}
