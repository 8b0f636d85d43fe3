// The control API on its socket. Only the user that runs the daemon can open it; there is no other
// authentication, because whoever is that user can read its store and stop it anyway.

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ControlServiceService } from '../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../proto/errors.ts';
import { grpcTarget, type ControlAddress } from '../../proto/control/address.ts';
import { createHandlers } from './handlers.ts';
import type { ControlBackend } from './ports.ts';
import { createServe } from './serve.ts';
import { closeToOthers, prepareSocket, removeSocket } from './socket.ts';

/** Largest request. Raising it lets one client hold more of our memory; rules are the largest. */
const largestRequestBytes = 4 * 1024 * 1024;
/** How long open calls may take when the server stops. */
const stopPatienceMs = 1_000;

export interface ControlServer {
  readonly address: ControlAddress;
  stop(): Promise<void>;
}

/**
 * Serves `backend` at `address`. Rejects with `data-dir.unusable`, `listen.in-use` (another daemon
 * answers there) or `control.not-listening`.
 */
export async function startControlServer(
  address: ControlAddress,
  backend: ControlBackend,
): Promise<ControlServer> {
  if (address.kind === 'socket') await prepareSocket(address);
  const closing = new AbortController();
  const server = new Server({ 'grpc.max_receive_message_length': largestRequestBytes });
  server.addService(
    ControlServiceService,
    createHandlers(backend, createServe(backend.logger, closing.signal)),
  );
  await bind(server, address);
  if (address.kind === 'socket') await closeToOthers(address);

  let stopped: Promise<void> | undefined;
  return {
    address,
    stop() {
      stopped ??= shutDown(server, backend, closing).then(async () => {
        if (address.kind === 'socket') await removeSocket(address);
      });
      return stopped;
    },
  };
}

function bind(server: Server, address: ControlAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(grpcTarget(address), ServerCredentials.createInsecure(), (cause) => {
      if (cause === null) resolve();
      else {
        const parameters = { address: address.path, reason: cause.message };
        reject(new SyncerError('control.not-listening', parameters, cause));
      }
    });
  });
}

/** Ends streams, lets short calls end, then cuts off what is left. */
function shutDown(
  server: Server,
  { clock }: ControlBackend,
  closing: AbortController,
): Promise<void> {
  closing.abort();
  return new Promise((resolve) => {
    const timer = clock.after(stopPatienceMs, () => {
      server.forceShutdown();
      resolve();
    });
    server.tryShutdown(() => {
      timer.cancel();
      resolve();
    });
  });
}
