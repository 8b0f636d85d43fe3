// What an application says to Eureka beyond the common model: kept in properties under keys that begin
// with `eureka-`, so that a copy in another Eureka says the same.

import type { StringMap } from '../../model/service.ts';
import type { EurekaInstance } from './wire.ts';

type NativeField =
  | 'vip'
  | 'secureVip'
  | 'homePageUrl'
  | 'statusPageUrl'
  | 'healthCheckUrl'
  | 'countryId'
  | 'appGroup'
  | 'asg';

/** Property → field, in the order of the table in README.md. */
const nativeFields: readonly (readonly [property: string, field: NativeField])[] = [
  ['eureka-vip', 'vip'],
  ['eureka-secure-vip', 'secureVip'],
  ['eureka-home-page', 'homePageUrl'],
  ['eureka-status-page', 'statusPageUrl'],
  ['eureka-health-check', 'healthCheckUrl'],
  ['eureka-country', 'countryId'],
  ['eureka-app-group', 'appGroup'],
  ['eureka-asg', 'asg'],
];

/** Gives the properties that stand for the fields of a native instance; usual values are left out. */
export function nativeProperties(instance: EurekaInstance): StringMap {
  const entries = nativeFields.filter(([, field]) => {
    const value = instance[field];
    if (value === '') return false;
    if (field === 'countryId') return value !== '1';
    if (field === 'vip' || field === 'secureVip') return value.toUpperCase() !== instance.app;
    return true;
  });
  return Object.fromEntries(entries.map(([property, field]) => [property, instance[field]]));
}

/** Gives the fields of a copy whose properties name them; its VIPs are its service's name otherwise. */
export function nativeFieldsFrom(
  properties: StringMap,
  serviceName: string,
): Pick<EurekaInstance, NativeField> {
  const said = Object.fromEntries(
    nativeFields.map(([property, field]) => [field, properties[property] ?? '']),
  ) as unknown as Record<NativeField, string>;
  return {
    ...said,
    vip: said.vip === '' ? serviceName : said.vip,
    secureVip: said.secureVip === '' ? serviceName : said.secureVip,
  };
}
