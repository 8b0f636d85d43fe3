// What an application says to Consul beyond the common model: kept in properties under keys that begin
// with `consul-`, so that a copy in another Consul says the same.

import type { StringMap } from '../../model/service.ts';
import type { ConsulInstance } from './wire.ts';

type NativeFields = Pick<ConsulInstance, 'tags' | 'weights'>;

const tagsKey = 'consul-tags';
const weightsKey = 'consul-weights';
/** What Consul takes where nothing is said. */
const usualWeights = { passing: 1, warning: 1 } as const;

/** Gives the properties that stand for the fields of a native instance; usual values are left out. */
export function nativeProperties({ tags, weights }: NativeFields): StringMap {
  const { passing, warning } = weights;
  const usual = passing === usualWeights.passing && warning === usualWeights.warning;
  return {
    ...(tags.length === 0 ? {} : { [tagsKey]: JSON.stringify(tags) }),
    ...(usual ? {} : { [weightsKey]: `${passing}/${warning}` }),
  };
}

/** Gives the fields of a copy whose properties name them. */
export function nativeFieldsFrom(properties: StringMap): NativeFields {
  const weights = /^(\d{1,5})\/(\d{1,5})$/.exec(properties[weightsKey] ?? '');
  const [passing, warning] = [Number(weights?.[1]), Number(weights?.[2])];
  return {
    tags: tagsIn(properties[tagsKey]),
    // Consul wants a weight of a passing one above 0, and none above 65535.
    weights:
      weights === null || passing < 1 || passing > 65_535 || warning > 65_535
        ? usualWeights
        : { passing, warning },
  };
}

function tagsIn(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : [];
  } catch {
    // An application's own property of that name.
    return [];
  }
}
