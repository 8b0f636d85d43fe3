// Who stands in the packages as their publisher. A distributor names itself by variables; what stands
// here are reserved names (RFC 2606), so that no package points to somebody who did not make it.

export interface Publisher {
  readonly name: string;
  readonly email: string;
  readonly homepage: string;
}

/** SYNCER_PUBLISHER_NAME, _EMAIL and _HOMEPAGE, or the project itself. */
export function publisherFrom(
  environment: Readonly<Record<string, string | undefined>>,
): Publisher {
  const own = (name: string, otherwise: string): string => {
    const value = environment[`SYNCER_PUBLISHER_${name}`] ?? '';
    return value === '' ? otherwise : value;
  };
  return {
    name: own('NAME', 'ServiceCenter Syncer maintainers'),
    email: own('EMAIL', 'maintainers@servicecenter-syncer.example'),
    homepage: own('HOMEPAGE', 'https://servicecenter-syncer.example'),
  };
}
