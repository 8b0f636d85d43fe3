// What property tests explore: by day always the same inputs, so that a red run means a change of the
// code; at night others each time, and more of them. A failure names the seed it needs.
import fc from 'fast-check';

const seedByDay = 20_261;

fc.configureGlobal(process.env.TEST_NIGHTLY === '1' ? { numRuns: 2000 } : { seed: seedByDay });
