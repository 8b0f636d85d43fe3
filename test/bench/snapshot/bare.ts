// The limit that the snapshot is measured against: bytes through grpc-js, and nothing else.

const asIs = (bytes: Buffer): Buffer => bytes;

export const bareMethod = {
  path: '/bench.Bare/Stream',
  requestStream: false,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;
