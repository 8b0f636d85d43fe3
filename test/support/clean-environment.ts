// The environment for processes under test: without `SYNCER_*`, which belongs to whoever runs the tests
// (TEST_NIGHTLY and the like are no keys of a configuration, and SYNCER_SC_ADDR would be one).

/** Gives the environment of this process without its `SYNCER_*` variables. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SYNCER_')),
  );
}
