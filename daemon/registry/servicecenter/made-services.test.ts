import { describe, expect, it } from 'vitest';
import { createMadeServices } from './made-services.ts';

const tenant = { domain: 'default', project: 'default' };

describe('services made here', () => {
  it('hold nothing until an instance is put, once', () => {
    const made = createMadeServices();
    expect(made.isFirst(tenant, 's', 'i')).toBe(false);
    made.made(tenant, 's');
    expect(made.isFirst(tenant, 's', 'i')).toBe(true);
    expect(made.isFirst(tenant, 's', 'i')).toBe(false);
    expect(made.isFirst(tenant, 's', 'j')).toBe(true);
    expect(made.isFirst({ domain: 'other', project: 'default' }, 's', 'k')).toBe(false);
  });

  it("are the feed's business as soon as it shows them", () => {
    const made = createMadeServices();
    made.made(tenant, 's');
    made.seen(tenant, 's');
    expect(made.isFirst(tenant, 's', 'i')).toBe(false);
  });

  it('are forgotten, the oldest first, when there are too many', () => {
    const made = createMadeServices();
    for (let number = 0; number <= 20_000; number++) made.made(tenant, `s-${number}`);
    expect(made.isFirst(tenant, 's-0', 'i')).toBe(false);
    expect(made.isFirst(tenant, 's-20000', 'i')).toBe(true);
  });
});
