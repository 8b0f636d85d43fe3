// A configuration as the command line and the YAML that it equals.

/** Flags of the keys that the wizard asks for (daemon/config/schema.ts). */
const flags: Readonly<Record<string, string>> = {
  mode: '--mode',
  node: '--node',
  clusterName: '--cluster-name',
  'registry.kind': '--sc-plugin',
  'registry.addresses': '--sc-addr',
  'gossip.bind': '--bind-addr',
  'gossip.advertise': '--advertise-addr',
  'gossip.join': '--join-addr',
  'rpc.bind': '--rpc-addr',
  'cluster.port': '--cluster-port',
  'cluster.etcd': '--etcd-addr',
};

/** Gives `syncer daemon …`, one flag a line. Values that a shell would take apart are quoted. */
export function toCommand(values: ReadonlyMap<string, unknown>): string {
  const parts = [...values].flatMap(([key, value]) => {
    const flag = flags[key];
    const text = Array.isArray(value) ? value.join(',') : String(value);
    return flag === undefined ? [] : [`${flag} ${quoted(text)}`];
  });
  return ['syncer daemon', ...parts].join(' \\\n  ');
}

function quoted(text: string): string {
  return /^[\w.:/,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Gives the same as YAML; every text is quoted as JSON, which YAML reads. */
export function toYaml(values: ReadonlyMap<string, unknown>): string {
  const lines: string[] = [];
  let group = '';
  for (const [key, value] of values) {
    const [first = '', second] = key.split('.');
    if (second === undefined) {
      lines.push(`${first}: ${plain(value)}`);
      continue;
    }
    if (group !== first) lines.push(`${first}:`);
    group = first;
    lines.push(`  ${second}: ${plain(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  return JSON.stringify(value);
}
