// What becomes of each field of the common model at a Nacos: the table of README.md, and what the
// property tests hold the codec to.

import type { Instance, Service } from '../../model/service.ts';

/** `exact`: a copy gives it back as it was. `bounded`: while it fits. `filled`: with a default. */
type Survival = 'exact' | 'bounded' | 'filled' | 'room' | 'registry';

interface FieldRow<F> {
  readonly field: F;
  readonly survival: Survival;
  /** Where it stands in Nacos. */
  readonly where: string;
}

type Row<T> = FieldRow<keyof T & string>;

export const instanceRows: readonly Row<Instance>[] = [
  {
    field: 'serviceId',
    survival: 'registry',
    where:
      'namespace (project), group (app), service name and `sy-v`, `sy-e`, `sy-a`, `sy-d`, `sy-p`, those that differ from the defaults',
  },
  { field: 'instanceId', survival: 'exact', where: '`sy`' },
  {
    field: 'endpoints',
    survival: 'exact',
    where: '`ip`, `port` and `secure`; the whole list in `sy-ep` where these say less',
  },
  { field: 'hostName', survival: 'exact', where: '`sy-h` where it is not the address' },
  { field: 'status', survival: 'exact', where: '`enabled`; all but UP is disabled and `sy-s`' },
  {
    field: 'properties',
    survival: 'bounded',
    where:
      'metadata; the stamp is packed in `sy-from`; a key that the driver uses itself stands behind `sy-k:`',
  },
  {
    field: 'healthCheck',
    survival: 'filled',
    where:
      '`preserved.heart.beat.timeout` and `preserved.ip.delete.timeout` are the lease; the rest in `sy-l`; none is 30 s × 4',
  },
  { field: 'dataCenterInfo', survival: 'exact', where: '`sy-dc`' },
  { field: 'version', survival: 'registry', where: 'of the service' },
];

export const serviceRows: readonly Row<Service>[] = [
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
  ).map((field) => ({ field, survival: 'room' as const, where: '`sy-svc` of each copy' })),
];

const words: Readonly<Record<Survival, string>> = {
  exact: 'comes back as it was; what does not fit is refused',
  bounded: 'comes back while all fit; the largest are lost first, and named in `syncer-lost`',
  filled: 'comes back as it was; nothing said comes back as the default',
  room: 'comes back while all of them fit into what the instance leaves; lost beyond',
  registry: "the registry's own",
};

/** Gives the table as Markdown. */
export function fieldTable(): string {
  const line = (of: string) => (row: FieldRow<string>) =>
    `| ${of} | \`${row.field}\` | ${row.where} | ${words[row.survival]} |`;
  return [
    '| of | field | where it stands at a Nacos | and back |',
    '| --- | --- | --- | --- |',
    ...instanceRows.map(line('instance')),
    ...serviceRows.map(line('service')),
  ].join('\n');
}
