// TLS for the server and for what we dial.

import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

export interface Certificates {
  readonly server: ServerCredentials;
  /** What to dial a peer with; `tls`: what the peer's tags say. */
  client(tls: boolean): ChannelCredentials;
  close(): void;
}

/** No TLS. */
export const plainCertificates: Certificates = {
  server: ServerCredentials.createInsecure(),
  client: (tls) => (tls ? ChannelCredentials.createSsl() : ChannelCredentials.createInsecure()),
  close: () => undefined,
};
