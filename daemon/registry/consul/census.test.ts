import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standingOf, takeCensus } from './census.ts';
import { AnswerError, decodeStandings } from './wire.ts';

/** An instance goes to a node, or leaves: each a write with an index of its own. */
const writes = fc.array(
  fc.record({
    id: fc.integer({ min: 0, max: 4 }),
    node: fc.constantFrom('one', 'two'),
    leaves: fc.boolean(),
  }),
  { maxLength: 20 },
);

describe('the standing of a service', () => {
  it('is another one after every write that changed something, in whatever order it is listed', () => {
    fc.assert(
      fc.property(writes, fc.nat(20), (all, at) => {
        const held = new Map<string, { node: string; nodeAddress: string; modifyIndex: number }>();
        const standings: { readonly text: string; readonly content: string }[] = [];
        for (const [index, { id, node, leaves }] of all.entries()) {
          const key = `${node}/${id}`;
          if (leaves) held.delete(key);
          else held.set(key, { node, nodeAddress: `at ${node}`, modifyIndex: index + 1 });
          const listed = [...held.entries()].sort();
          standings.push({
            text: standingOf(listed.map(([, each]) => each).reverse()),
            content: JSON.stringify(listed),
          });
          expect(standingOf(held.values())).toBe(standings.at(-1)?.text);
        }
        const before = standings[at];
        for (const after of standings.slice(at)) {
          expect(after.text === before?.text).toBe(after.content === before?.content);
        }
      }),
    );
  });

  it('is another one where a node has a new address', () => {
    const at = (nodeAddress: string) => standingOf([{ node: 'n', nodeAddress, modifyIndex: 7 }]);
    expect(at('10.0.0.1')).not.toBe(at('10.0.0.2'));
    expect(standingOf([])).toBe('');
  });

  it('is read from the answer of all nodes, without what belongs to the mesh', () => {
    const service = { ID: 'a', Service: 'orders', ModifyIndex: 7 };
    const found = takeCensus(
      decodeStandings([
        {
          Node: 'n',
          Address: '10.0.0.1',
          Services: [
            service,
            { ...service, ID: 'b', Kind: 'typical' },
            { ID: 'p', Service: 'orders-proxy', Kind: 'connect-proxy', ModifyIndex: 8 },
          ],
        },
        { Node: 'empty', Address: '10.0.0.2', Services: null },
      ]),
    );
    const here = { node: 'n', nodeAddress: '10.0.0.1', modifyIndex: 7 };
    expect(found).toEqual(new Map([['orders', standingOf([here, here])]]));
  });

  it('is never made of an answer of another shape', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        try {
          expect(Array.isArray(decodeStandings(body))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerError);
        }
      }),
    );
  });
});
