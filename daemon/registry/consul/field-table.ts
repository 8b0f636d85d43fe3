// What becomes of each field of the common model at a Consul: the table of README.md, and what the
// property tests hold the codec to.

import type { Instance, Service } from '../../model/service.ts';

/** `exact`: a copy gives it back as it was. `bounded`: while it fits. `filled`: with a default. */
type Survival = 'exact' | 'bounded' | 'filled' | 'registry';

interface FieldRow<F> {
  readonly field: F;
  readonly survival: Survival;
  /** Where it stands in Consul. */
  readonly where: string;
}

type Row<T> = FieldRow<keyof T & string>;

export const instanceRows: readonly Row<Instance>[] = [
  {
    field: 'serviceId',
    survival: 'registry',
    where:
      'the name, and `syncer-app`, `syncer-service`, `syncer-version`, `syncer-environment`, `syncer-domain`, `syncer-project`, those that differ from the defaults',
  },
  { field: 'instanceId', survival: 'exact', where: 'the entry’s ID, `<service id>/<instance id>`' },
  {
    field: 'endpoints',
    survival: 'exact',
    where:
      '`Address`, `Port` and `secure`; the whole list in `syncer-endpoints` where these say less',
  },
  { field: 'hostName', survival: 'exact', where: '`syncer-host`' },
  {
    field: 'status',
    survival: 'exact',
    where: 'UP: no check; all else: a critical check and `syncer-status`',
  },
  {
    field: 'properties',
    survival: 'exact',
    where:
      '`Meta`; what no pair can hold, together in `syncer-more`; `consul-tags` and `consul-weights` also as `Tags` and `Weights`',
  },
  {
    field: 'healthCheck',
    survival: 'filled',
    where: '`syncer-health`; none is 30 s × 4; see “Leases”',
  },
  { field: 'dataCenterInfo', survival: 'exact', where: '`syncer-data-center`' },
  { field: 'version', survival: 'registry', where: 'of the service' },
];

const serviceRows: readonly Row<Service>[] = [
  ...(['domain', 'project', 'environment', 'app', 'name', 'version'] as const).map((field) => ({
    field,
    survival: 'exact' as const,
    where: 'see `serviceId` of an instance',
  })),
  { field: 'serviceId', survival: 'registry', where: 'written from the identity' },
  ...(
    [
      'alias',
      'description',
      'level',
      'status',
      'registerBy',
      'framework',
      'properties',
      'tags',
      'schemas',
      'paths',
    ] as const
  ).map((field) => ({
    field,
    survival: 'bounded' as const,
    where: '`syncer-service-content` of each copy',
  })),
];

const words: Readonly<Record<Survival, string>> = {
  exact: 'comes back as it was',
  bounded: 'comes back while all of them fit into 2,048 bytes; lost beyond',
  filled: 'comes back as it was; nothing said comes back as the default',
  registry: "the registry's own",
};

/** Gives the table as Markdown. */
export function fieldTable(): string {
  const line = (of: string) => (row: FieldRow<string>) =>
    `| ${of} | \`${row.field}\` | ${row.where} | ${words[row.survival]} |`;
  return [
    '| of | field | where it stands at a Consul | and back |',
    '| --- | --- | --- | --- |',
    ...instanceRows.map(line('instance')),
    ...serviceRows.map(line('service')),
  ].join('\n');
}
