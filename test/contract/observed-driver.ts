// The observer of the driver kit's suite, for the tests beside it.

export * from '../../driver-kit/conformance/observed-driver.ts';
