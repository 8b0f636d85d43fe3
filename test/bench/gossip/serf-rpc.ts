// The agent's RPC port (msgpack over TCP, as `serf join` and `serf event` use it): many agents are
// told to join in one moment, without the start of a process for each command.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MsgpackWriter } from '../../../daemon/gossip/wire/msgpack.ts';

/** What a command takes, in serf's own names. */
type Value = string | number | boolean | Uint8Array | readonly string[];

export class SerfRpc {
  readonly #socket: Socket;
  #seq = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // Answers are not needed: the agent's log tells what came of a command. A lost connection shows
    // in the command that is not carried out.
    socket.on('error', () => undefined);
    socket.resume();
  }

  /** Connects and shakes hands. Rejects when nobody listens at `host:port`. */
  static async connect(address: string): Promise<SerfRpc> {
    const [host = '', port = ''] = address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const rpc = new SerfRpc(socket);
    rpc.send('handshake', { Version: 1 });
    return rpc;
  }

  send(command: string, body: Readonly<Record<string, Value>>): void {
    const writer = new MsgpackWriter();
    writeMap(writer, { Command: command, Seq: this.#seq++ });
    writeMap(writer, body);
    this.#socket.write(writer.finish());
  }

  close(): void {
    this.#socket.destroy();
  }
}

function writeMap(writer: MsgpackWriter, map: Readonly<Record<string, Value>>): void {
  const entries = Object.entries(map);
  writer.mapHeader(entries.length);
  for (const [key, value] of entries) {
    writer.text(key);
    if (typeof value === 'string') writer.text(value);
    else if (typeof value === 'number') writer.int(value);
    else if (typeof value === 'boolean') writer.bool(value);
    else if (value instanceof Uint8Array) writer.bytes(value);
    else {
      writer.arrayHeader(value.length);
      for (const item of value) writer.text(item);
    }
  }
}
