import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpClient, type Call, type HttpClient } from './http-client.ts';
import type { Credentials } from './options.ts';

const read: Call = { method: 'GET', path: '/v4/default/x', domain: 'default', use: 'read' };

describe('http client', () => {
  const servers: Server[] = [];
  const clients: HttpClient[] = [];
  const events: string[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    events.length = 0;
  });

  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const deadAddress = async (): Promise<string> => {
    const address = await serve(() => undefined);
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    return address;
  };
  const clientOf = (
    addresses: readonly string[],
    more: { credentials?: Credentials; nowMs?: () => number } = {},
  ): HttpClient => {
    const client = createHttpClient(
      {
        addresses,
        tls: undefined,
        credentials: more.credentials,
        requestTimeoutMs: 500,
        writeConnections: 2,
      },
      more.nowMs ?? (() => 0),
      {
        interrupted: (detail) => events.push(`interrupted: ${detail}`),
        answered: () => events.push('answered'),
      },
    );
    clients.push(client);
    return client;
  };
  const json: RequestListener = (request, response) => {
    response.setHeader('content-type', 'application/json; charset=UTF-8');
    response.end(JSON.stringify({ domain: request.headers['x-domain-name'], url: request.url }));
  };

  it('gives the parsed body, sends the domain, and says that the registry answered', async () => {
    const answer = await clientOf([await serve(json)]).call(read);
    expect(answer).toMatchObject({
      kind: 'ok',
      body: { domain: 'default', url: '/v4/default/x' },
    });
    expect(events).toEqual(['answered']);
  });

  it('unpacks gzip, asked for only by large calls', async () => {
    const asked: unknown[] = [];
    const address = await serve((request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.setHeader('content-type', 'application/json');
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('{"a":1}'));
    });
    const client = clientOf([address]);
    expect(await client.call({ ...read, large: true })).toMatchObject({ body: { a: 1 } });
    await client.call(read);
    expect(asked).toEqual(['gzip', undefined]);
  });

  it('does not parse an empty answer of type text, and reads an error by its code', async () => {
    const address = await serve((request, response) => {
      if (request.method === 'PUT') {
        response.setHeader('content-type', 'text/plain');
        response.end();
        return;
      }
      response.statusCode = 400;
      response.end('{"errorCode":"400012","errorMessage":"no","detail":"such service"}');
    });
    const client = clientOf([address]);
    expect(await client.call({ ...read, method: 'PUT', use: 'write' })).toMatchObject({
      kind: 'ok',
      body: undefined,
    });
    expect(await client.call(read)).toEqual({
      kind: 'refused',
      status: 400,
      code: '400012',
      message: 'no: such service',
    });
  });

  it('calls what is not JSON a bad answer', async () => {
    const address = await serve((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"services":[');
    });
    expect(await clientOf([address]).call(read)).toMatchObject({
      kind: 'failed',
      failure: { code: 'bad-answer' },
    });
  });

  it('goes to the next address when one refuses, stays there, and says so', async () => {
    const dead = await deadAddress();
    const alive = await serve(json);
    const client = clientOf([dead, alive]);
    expect(await client.call(read)).toMatchObject({ kind: 'ok' });
    expect(client.address).toBe(alive);
    expect(events.some((event) => event.includes(`from ${dead} to ${alive}`))).toBe(true);
  });

  it('asks one address only where a call names it', async () => {
    const dead = await deadAddress();
    const client = clientOf([await serve(json), dead]);
    expect(await client.call({ ...read, address: dead })).toMatchObject({
      kind: 'failed',
      failure: { code: 'unreachable' },
    });
    expect(events).toEqual([]);
  });

  it('says that all addresses refuse', async () => {
    const client = clientOf([await deadAddress(), await deadAddress()]);
    expect(await client.call(read)).toMatchObject({
      kind: 'failed',
      failure: { code: 'unreachable', sent: false },
    });
    expect(events.at(-1)).toMatch(/^interrupted/);
  });

  it('ends a call at its deadline', async () => {
    const client = clientOf([await serve(() => undefined)]);
    expect(await client.call(read)).toMatchObject({
      kind: 'failed',
      failure: { code: 'timeout' },
    });
  });

  it('does not send a write again that another address may carry out twice', async () => {
    let writes = 0;
    const breaking = await serve((request) => request.socket.destroy());
    const other = await serve((request, response) => {
      writes += 1;
      json(request, response);
    });
    const client = clientOf([breaking, other]);
    const answer = await client.call({ ...read, method: 'POST', body: '{}', use: 'write' });
    expect(answer).toMatchObject({ kind: 'failed', failure: { code: 'unreachable', sent: true } });
    expect(writes).toBe(0);
  });

  it('notices between two calls that the server cut the connection', async () => {
    const address = await serve(json);
    const client = clientOf([address]);
    await client.call(read);
    servers[0]?.closeAllConnections();
    for (let tries = 0; tries < 100 && events.length < 2; tries += 1) await wait(20);
    expect(events[1]).toMatch(/^interrupted/);
  });

  it('rejects when its signal is aborted', async () => {
    const client = clientOf([await serve(() => undefined)]);
    const controller = new AbortController();
    const call = client.call({ ...read, signal: controller.signal });
    controller.abort(new Error('stop it'));
    await expect(call).rejects.toThrow('stop it');
  });

  describe('with an account', () => {
    const credentials = { name: 'syncer', password: 'secret' };
    const serveAccounts = async (accepted: () => string) => {
      const logins: string[] = [];
      const address = await serve((request, response) => {
        response.setHeader('content-type', 'application/json');
        if (request.url !== '/v4/token') {
          const good = request.headers.authorization === `Bearer ${accepted()}`;
          response.statusCode = good ? 200 : 401;
          response.end(good ? '{}' : '{"errorCode":"401002","errorMessage":"who are you"}');
          return;
        }
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          logins.push(body);
          response.end(JSON.stringify({ token: accepted() }));
        });
      });
      return { address, logins };
    };

    it('logs in once for many calls', async () => {
      const { address, logins } = await serveAccounts(() => 'one');
      const client = clientOf([address], { credentials });
      const answers = await Promise.all(Array.from({ length: 6 }, () => client.call(read)));
      expect(answers.every(({ kind }) => kind === 'ok')).toBe(true);
      expect(logins).toEqual([JSON.stringify(credentials)]);
    });

    it('logs in again when the token is refused, and before it ends', async () => {
      let token = 'one';
      let nowMs = 0;
      const { address, logins } = await serveAccounts(() => token);
      const client = clientOf([address], { credentials, nowMs: () => nowMs });
      expect(await client.call(read)).toMatchObject({ kind: 'ok' });
      token = 'two';
      expect(await client.call(read)).toMatchObject({ kind: 'ok' });
      expect(logins).toHaveLength(2);
      nowMs += 25 * 60_000;
      expect(await client.call(read)).toMatchObject({ kind: 'ok' });
      expect(logins).toHaveLength(3);
    });

    it('uses a token that it was given, and asks nobody for another', async () => {
      let token = 'given';
      const { address, logins } = await serveAccounts(() => token);
      const client = clientOf([address], { credentials: { token: 'given' } });
      expect(await client.call(read)).toMatchObject({ kind: 'ok' });
      token = 'changed';
      expect(await client.call(read)).toMatchObject({ kind: 'refused', status: 401 });
      expect(logins).toEqual([]);
    });

    it('gives the refusal of a login as the answer', async () => {
      const address = await serve((_request, response) => {
        response.statusCode = 401;
        response.end('{"errorCode":"401003","errorMessage":"wrong password"}');
      });
      const client = clientOf([address], { credentials });
      expect(await client.call(read)).toMatchObject({ kind: 'refused', status: 401 });
    });
  });
});
