// @servicecenter-syncer/driver-kit/testing: what a fixture is written with, and the suite itself for
// those who run it in a test framework of their own.

export type { DriverFixture, Lacks, RegistryFixture } from './conformance/fixture.ts';
export {
  sampleInstance,
  sampleService,
  type NativeApplication,
} from './conformance/native-application.ts';
export { tryPromises, type PromiseResult, type RunOptions } from './conformance/run.ts';
export { collectPromises } from './conformance/suite.ts';
export { withHarness, type Harness, type PromiseContext } from './conformance/harness.ts';
