// What happens to a simulated pool, chosen by the seed: crashes, restarts, departures, pauses,
// partitions, bad weather; then everything heals, and the invariants are checked.

import { randomInt } from '../../support/random.ts';
import { fairWeather } from '../transport/memory-transport.ts';
import type { SimulatedMember } from './simulated-member.ts';
import { World, type WorldOptions } from './world.ts';

/** A scenario found the engine wrong. The message has all that is needed to replay it. */
class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';

  constructor(seed: number, history: readonly string[], what: string) {
    super(`seed ${seed}: ${what}\n  after: ${history.join('; ')}`);
  }
}

export interface ScenarioResult {
  readonly seed: number;
  readonly members: number;
  readonly history: readonly string[];
  /** Virtual time until all views agreed, once everything had healed. */
  readonly healedAfterMs: number;
  readonly longestHeldDeadMs: number;
  readonly datagrams: number;
}

/**
 * A live and reachable member is held dead by another for at most this long, after however long a
 * separation: it learns of its death by gossip to the dead, by one of its own push/pulls (every
 * 30 s, but with a random partner) or by a reconnect (every 30 s, with a probability), and its
 * refutation reaches all by gossip or by a push/pull of theirs.
 */
const refutationBoundMs = 120_000;

/**
 * Within this a pool forms in fair weather. Gossip takes a second or two and may miss a member of
 * a small pool (four packets by each to random others); then push/pulls mend it, one in 30 s by
 * each member with a random other, and the first ones may meet those who have missed it too.
 */
const formingBoundMs = 150_000;

/** Within this all views are equal after everything has healed: reconnects come every 30 s. */
const healingBoundMs = 240_000;

/** One scenario from its seed. Rejects with `InvariantBroken`. */
export async function runScenario(
  options: WorldOptions & { readonly steps: number },
): Promise<ScenarioResult> {
  const world = new World(options);
  const history: string[] = [];
  const fail = (what: string): never => {
    throw new InvariantBroken(options.seed, history, what);
  };
  await world.startAll();
  // Nobody finds whom nobody has ever known: the pool forms before trouble begins.
  const formed = await world.runUntil(() => world.viewsAgree(), formingBoundMs);
  if (formed === undefined)
    fail(`no pool after ${formingBoundMs} ms: ${world.disagreement() ?? ''}`);
  for (let step = 0; step < options.steps; step += 1) {
    history.push(await act(world));
    await world.run(1000 + randomInt(world.random, 12_000));
    checkBounds(world, fail);
  }

  history.push('all healed');
  await heal(world);
  const healedAfterMs =
    (await world.runUntil(() => world.viewsAgree(), healingBoundMs)) ??
    fail(`views differ ${healingBoundMs} ms after healing: ${world.disagreement() ?? ''}`);
  if (world.longestHeldDeadMs > refutationBoundMs) {
    fail(`${world.longestHeldDead} for ${world.longestHeldDeadMs} ms though reachable`);
  }
  // A quiet pool keeps nothing: what was queued has been sent, who was asked has answered.
  await world.run(20_000);
  checkQuiet(world, fail);
  const { datagrams } = world.network;
  await world.stopAll();
  const { longestHeldDeadMs } = world;
  return {
    seed: options.seed,
    members: options.members,
    history,
    healedAfterMs,
    longestHeldDeadMs,
    datagrams,
  };
}

type Action = readonly [name: string, run: (world: World) => Promise<string> | string];

const actions: readonly Action[] = [
  ['kill', async (world) => withOne(world, async (member) => member.kill())],
  ['leave', async (world) => withOne(world, leaveSoon)],
  ['restart', (world) => restart(world, false)],
  ['restart elsewhere', (world) => restart(world, true)],
  ['pause', (world) => withOne(world, pauseForAWhile(world))],
  ['new meta-data', (world) => withOne(world, changeMeta(world))],
  ['partition', partition],
  ['cut one way', cutOneWay],
  ['lossy path', lossyPath],
  ['weather', changeWeather],
  ['clock jump', jumpClock],
  ['heal', healNetwork],
];

async function act(world: World): Promise<string> {
  const [name, run] = actions[randomInt(world.random, actions.length)] ?? ['nothing', () => ''];
  return `${Math.round(world.clock.monotonicMs())} ms ${name} ${await run(world)}`.trim();
}

/** Acts on a random running member, as long as another one remains. */
async function withOne(
  world: World,
  run: (member: SimulatedMember) => Promise<unknown>,
): Promise<string> {
  const running = world.running();
  const member = running[randomInt(world.random, running.length)];
  if (running.length < 2 || member === undefined || member.isPaused) return '(nobody)';
  await run(member);
  return member.name;
}

async function leaveSoon(member: SimulatedMember): Promise<void> {
  // Ends by itself as the clock goes on.
  void member.leave();
}

async function restart(world: World, elsewhere: boolean): Promise<string> {
  const running = new Set(world.running());
  const stopped = [...world.members.values()].filter((member) => !running.has(member));
  const member = stopped[randomInt(world.random, stopped.length)];
  if (member?.isStopped !== true || running.size === 0) return '(nobody)';
  if (elsewhere) member.host = world.newHost();
  await member.start();
  member.joinSoon();
  return member.name;
}

function pauseForAWhile(world: World): (member: SimulatedMember) => Promise<void> {
  return async (member) => {
    member.pause();
    world.clock.after(500 + randomInt(world.random, 15_000), () => member.resume());
  };
}

function changeMeta(world: World): (member: SimulatedMember) => Promise<void> {
  return async (member) => {
    member.meta = `v${randomInt(world.random, 1000)}`;
    void member.memberlist.updateNode(5000);
  };
}

function partition(world: World): string {
  const hosts = world.running().map(({ host }) => host);
  const left = hosts.filter(() => world.random.next() < 0.5);
  for (const from of left) {
    for (const to of hosts.filter((host) => !left.includes(host))) {
      world.network.cut(from, to);
      world.network.cut(to, from);
    }
  }
  return `${left.length} | ${hosts.length - left.length}`;
}

function twoHosts(world: World): [string, string] | undefined {
  const hosts = world.running().map(({ host }) => host);
  const from = hosts[randomInt(world.random, hosts.length)];
  const to = hosts[randomInt(world.random, hosts.length)];
  return from === undefined || to === undefined || from === to ? undefined : [from, to];
}

function cutOneWay(world: World): string {
  const path = twoHosts(world);
  if (path !== undefined) world.network.cut(...path);
  return path?.join(' > ') ?? '(nobody)';
}

function lossyPath(world: World): string {
  const path = twoHosts(world);
  if (path !== undefined) world.network.pathLoss.set(path.join('>'), world.random.next());
  return path?.join(' > ') ?? '(nobody)';
}

function changeWeather(world: World): string {
  const { random } = world;
  const maxDelayMs = 3 + randomInt(random, 200);
  const loss = random.next() * 0.2;
  world.network.weather = { loss, duplication: random.next() * 0.1, minDelayMs: 1, maxDelayMs };
  return `loss ${loss.toFixed(2)}, delay to ${maxDelayMs} ms`;
}

function jumpClock(world: World): string {
  const deltaMs = randomInt(world.random, 7_200_000) - 3_600_000;
  world.clock.jumpWallClock(deltaMs);
  return `by ${deltaMs} ms`;
}

function healNetwork(world: World): string {
  world.network.heal();
  world.network.weather = fairWeather;
  return '';
}

async function heal(world: World): Promise<void> {
  healNetwork(world);
  for (const member of world.running()) member.resume();
}

type Fail = (what: string) => never;

/** Nothing grows beyond what the pool's size explains. */
function checkBounds(world: World, fail: Fail): void {
  const names = world.members.size;
  for (const member of world.running()) {
    const stats = member.stats();
    const limit = (key: string, most: number): void => {
      const value = stats[key] ?? 0;
      if (value > most) fail(`${member.name} has ${key} ${value}, at most ${most} are explained`);
    };
    limit('known', names);
    // One broadcast a name: a newer one replaces the older.
    limit('queued', names);
    limit('internalErrors', 0);
    limit('datagramsGarbage', 0);
    limit('messagesBroken', 0);
    if (!member.isPaused) limit('acksAwaited', 1 + 8 * names);
    if (!member.isPaused) limit('streamsOpen', 2 * names);
  }
}

function checkQuiet(world: World, fail: Fail): void {
  checkBounds(world, fail);
  for (const member of world.running()) {
    const { datagramsWaiting = 0, healthScore = 0, streamsOpen = 0, members = 0 } = member.stats();
    if (datagramsWaiting > 0) fail(`${member.name} still has datagrams waiting`);
    if (streamsOpen > 2) fail(`${member.name} still has ${streamsOpen} streams open`);
    // Who has nobody to probe has no way to find itself healthy again: alone, or holding the other dead
    // until the next push/pull, because its refutation was lost and an old accusation raises no new one
    // (as in memberlist; `longestHeldDeadMs` bounds it).
    if (healthScore > 1 && members > 1) {
      fail(`${member.name} still holds itself unhealthy: ${healthScore}`);
    }
  }
}
