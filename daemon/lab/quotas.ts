// Quotas: how many services, instances, schemas and tags a tenant may have (servicecenter-api.md §14).

import { ApiError, invalid } from './errors.ts';
import type { TenantRecord } from './store.ts';

export interface QuotaLimits {
  readonly service: number;
  readonly instance: number;
  /** Schemas of one service. */
  readonly schema: number;
  /** Tags of one service. */
  readonly tag: number;
}

export const defaultQuotas: QuotaLimits = {
  service: 50_000,
  instance: 150_000,
  schema: 100,
  tag: 100,
};

export class Quotas {
  readonly limits: QuotaLimits;

  constructor(limits: QuotaLimits) {
    this.limits = limits;
  }

  /** Throws 400100 if that many more services do not fit. */
  applyServices(tenant: TenantRecord | undefined, more: number): void {
    check('SERVICE', this.limits.service, tenant?.services.size ?? 0, more);
  }

  /** Throws 400100 if that many more instances do not fit. */
  applyInstances(tenant: TenantRecord, more: number): void {
    check('INSTANCE', this.limits.instance, tenant.instanceCount, more);
  }

  /** Throws 400100 if a service with `held` schemas may not get `more`. */
  applySchemas(held: number, more: number): void {
    check('SCHEMA', this.limits.schema, held, more);
  }

  /** Throws 400001 if there are more tags in one call than a service may have. */
  checkTags(count: number): void {
    if (count > this.limits.tag) throw invalid(`too many tags: ${count} of ${this.limits.tag}`);
  }
}

function check(what: string, limit: number, held: number, more: number): void {
  if (held + more <= limit) return;
  throw new ApiError(
    400100,
    `no quota to create ${what}, max num is ${limit}, curNum is ${held}, apply num is ${more}`,
  );
}
