// The template's registry.

export { makeFixture } from '../../../driver-kit/template/fixture.ts';
