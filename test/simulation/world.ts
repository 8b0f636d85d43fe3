// The sites of a story, brought to life: registries, applications, engines and the links between
// them, under one virtual clock.

import { stampKeys } from '../../daemon/model/stamp.ts';
import { defaultGuardLimits, type Rules } from '../../daemon/model/rules.ts';
import type { Instance, Service } from '../../daemon/model/service.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { randomInt, seededRandom, type Random } from '../../daemon/support/random.ts';
import { VirtualClock } from '../../daemon/support/virtual-clock.ts';
import type { SyncEngine } from '../../daemon/sync/engine.ts';
import { createSyncEngine } from '../../daemon/sync/sync-engine.ts';
import { Application } from './application.ts';
import { MemoryDisk, MemoryStore } from './memory-store.ts';
import { MemoryLink } from './memory-link.ts';
import { ModelDriver } from './model-driver.ts';
import { ModelRegistry } from './model-registry.ts';
import { SiteClock } from './site-clock.ts';
import { unrestMs, type Step, type Story } from './story.ts';

/** Writes of one instance by one process are at least this far apart. */
const windowMs = 500;

/**
 * After the last fault everything must be as it should within this: a minute in which a registry's
 * owners may come back, the writers' longest back-off, and some rounds.
 */
const settleLimitMs = 150_000;

/** A tombstone may overtake nothing, but what it removes may be registered again meanwhile. */
const crossingMs = 6000;

const noLimits = { share: 1, count: 1_000_000, windowSeconds: 60 };

export interface Site {
  readonly name: string;
  readonly index: number;
  readonly clock: SiteClock;
  readonly registry: ModelRegistry;
  readonly disk: MemoryDisk;
  store: MemoryStore | undefined;
  engine: SyncEngine | undefined;
  writer: number;
  /** Its process is draining: a new one waits until it has ended. */
  stopping: boolean;
}

export class World {
  readonly clock = new VirtualClock();
  readonly story: Story;
  readonly sites: readonly Site[];
  readonly apps: Application[] = [];
  readonly violations: string[] = [];
  readonly links = new Map<string, MemoryLink>();
  readonly #random: Random;
  readonly #rules: Rules;
  #writers = 0;
  #appCount = 0;

  constructor(story: Story) {
    this.story = story;
    this.#random = seededRandom(story.seed ^ 0x5eed);
    this.#rules = {
      export: [],
      import: [],
      absence: { kind: 'grace', seconds: story.graceSeconds },
    };
    this.sites = Array.from({ length: story.sites }, (_, index) => ({
      name: `site-${index}`,
      index,
      clock: new SiteClock(this.clock),
      registry: new ModelRegistry(this.clock),
      disk: new MemoryDisk(),
      store: undefined,
      engine: undefined,
      writer: 0,
      stopping: false,
    }));
  }

  /** Lives the story through; gives what broke a promise, and the convergence time in ms. */
  async live(): Promise<{ readonly violations: readonly string[]; readonly settledMs: number }> {
    for (const site of this.sites) {
      for (let each = 0; each < this.story.apps; each++) {
        this.#startApp(site.index, randomInt(this.#random, 4));
      }
    }
    for (const site of this.sites) await this.#startDaemon(site);
    for (const from of this.sites) {
      for (const to of this.sites) if (from !== to) this.#connect(from, to);
    }
    for (const step of this.story.steps) {
      await this.clock.advanceAsync(step.atMs - this.clock.monotonicMs());
      await this.#perform(step);
    }
    await this.clock.advanceAsync(unrestMs - this.clock.monotonicMs());
    await this.#heal();
    const fromMs = this.clock.monotonicMs();
    let differences = this.#differences();
    // In sync, and still so a while later: nothing flaps.
    for (let calm = 0; calm < 3;) {
      await this.clock.advanceAsync(2500);
      // A person looks at what is held, and lets it go; were it alive, that would be a violation.
      for (const { engine } of this.sites) engine?.approve({ all: true });
      differences = this.#differences();
      calm = differences.length === 0 ? calm + 1 : 0;
      if (this.clock.monotonicMs() - fromMs > settleLimitMs) break;
    }
    const settledMs = this.clock.monotonicMs() - fromMs;
    await this.#end();
    const violations = [
      ...this.violations,
      ...this.sites.flatMap(({ registry, name }) =>
        registry.violations.map((violation) => `${name}: ${violation}`),
      ),
      ...differences.map((difference) => `after ${settleLimitMs} ms: ${difference}`),
    ];
    return { violations, settledMs };
  }

  #service(index: number): Service {
    return {
      serviceId: '',
      domain: 'default',
      project: 'default',
      environment: '',
      app: 'shop',
      name: `service-${index}`,
      version: '1.0.0',
      alias: '',
      description: '',
      level: 'BACK',
      status: 'UP',
      registerBy: 'SDK',
      framework: undefined,
      properties: {},
      tags: {},
      schemas: [],
      paths: [],
    };
  }

  #startApp(site: number, service: number, endpoint?: string): void {
    const number = this.#appCount++;
    const app = new Application({
      clock: this.clock,
      registry: this.sites[site]!.registry,
      site,
      service: this.#service(service),
      instanceId: `instance-${number}`,
      endpoint: endpoint ?? `rest://10.0.${site}.${number}:8080`,
    });
    this.apps.push(app);
    app.start();
  }

  async #startDaemon(site: Site): Promise<void> {
    if (site.engine !== undefined || site.stopping) return;
    site.writer = ++this.#writers;
    site.store = new MemoryStore(site.disk, site.clock);
    const engine = createSyncEngine({
      cluster: site.name,
      driver: new ModelDriver({
        registry: site.registry,
        clock: site.clock,
        writer: site.writer,
        windowMs,
        removing: (instance) => this.#judgeRemoval(site, instance),
      }),
      store: site.store,
      rules: this.#rules,
      limits: this.story.guarded ? defaultGuardLimits : noLimits,
      clock: site.clock,
      random: this.#random,
      logger: silentLogger,
    });
    site.engine = engine;
    await engine.start();
  }

  #killDaemon(site: Site): void {
    site.store?.crash();
    site.clock.halt();
    site.engine = undefined;
  }

  async #stopDaemon(site: Site): Promise<void> {
    const { engine } = site;
    if (engine === undefined) return;
    site.engine = undefined;
    site.stopping = true;
    const stopped = engine.stop(5000);
    for (const [edge, link] of this.links) if (edge.startsWith(`${site.name}>`)) link.leave();
    await this.clock.advanceAsync(5500);
    await stopped;
    site.clock.halt();
    site.stopping = false;
  }

  #connect(from: Site, to: Site): void {
    const link = new MemoryLink({
      clock: this.clock,
      random: this.#random,
      source: () => from.engine?.exportSource,
      sink: () => to.engine?.peer(from.name),
      clockOffsetMs: () => from.clock.offsetMs - to.clock.offsetMs,
      toWallMs: () => to.clock.nowMs(),
    });
    this.links.set(`${from.name}>${to.name}`, link);
  }

  async #perform(step: Step): Promise<void> {
    const site = this.sites[step.site];
    if (site === undefined) return;
    const own = this.apps.filter((app) => app.site === step.site && app.alive);
    const chosen = 'app' in step && own.length > 0 ? own[step.app % own.length] : undefined;
    const later = (forMs: number, run: () => void): void => {
      this.clock.after(forMs, run);
    };
    switch (step.kind) {
      case 'app-start':
        this.#startApp(step.site, step.service);
        return;
      case 'app-stop':
        chosen?.stop();
        return;
      case 'app-crash':
        chosen?.crash();
        return;
      case 'app-change':
        chosen?.change();
        return;
      case 'app-flap':
        for (let each = 0; each < 8; each++) later(each * 230, () => chosen?.change());
        return;
      case 'app-move':
        if (chosen === undefined || this.sites[step.to] === undefined) return;
        chosen.stop();
        this.#startApp(
          step.to,
          Number(chosen.service.name.slice('service-'.length)),
          chosen.endpoint,
        );
        return;
      case 'mass-restart':
        for (const app of own) app.stop();
        later(1500, () => {
          for (const app of own) app.start();
        });
        return;
      case 'daemon-kill':
        this.#killDaemon(site);
        if (step.wipe) site.disk.wipe();
        later(step.forMs, () => void this.#startDaemon(site));
        return;
      case 'daemon-stop':
        await this.#stopDaemon(site);
        later(step.forMs, () => void this.#startDaemon(site));
        return;
      case 'registry-manner':
        site.registry.manner = step.manner;
        later(step.forMs, () => {
          if (site.registry.manner === 'down') site.registry.restart(true);
          site.registry.manner = 'well';
        });
        return;
      case 'registry-restart':
        site.registry.restart(step.keepsData);
        return;
      case 'link-cut': {
        const link = this.links.get(`${site.name}>site-${step.to}`);
        if (link === undefined) return;
        link.cut = true;
        later(step.forMs, () => {
          link.cut = false;
        });
        return;
      }
      case 'clock-jump':
        site.clock.offsetMs += step.byMs;
        return;
    }
  }

  async #heal(): Promise<void> {
    // What heals by itself within the story's time has; the rest does now.
    for (const site of this.sites) {
      if (site.registry.manner === 'down') site.registry.restart(true);
      site.registry.manner = 'well';
      await this.#startDaemon(site);
    }
    for (const link of this.links.values()) link.cut = false;
  }

  async #end(): Promise<void> {
    for (const link of this.links.values()) link.stop();
    for (const site of this.sites) {
      this.#killDaemon(site);
    }
    for (const app of this.apps) app.crash();
  }

  /** Called before each removal of a copy: was there proof? */
  #judgeRemoval(site: Site, copy: Instance): void {
    const cluster = copy.properties[stampKeys.originCluster] ?? '';
    const origin = this.sites.find(({ name }) => name === cluster);
    const app = this.apps.find(
      (each) =>
        each.site === origin?.index &&
        each.instanceId === copy.properties[stampKeys.originInstance],
    );
    if (app === undefined) {
      this.violations.push(`${site.name} held a copy of nothing: ${copy.instanceId}`);
      return;
    }
    const nowMs = this.clock.monotonicMs();
    if (!app.alive || nowMs - app.registeredMs < crossingMs) return;
    const heardMs = this.links.get(`${cluster}>${site.name}`)?.heardMs ?? nowMs;
    if (nowMs - heardMs >= (this.story.graceSeconds - 11) * 1000) return;
    const rival = this.apps.find(
      (each) => each !== app && each.endpoint === app.endpoint && this.#mayBeSeen(each),
    );
    if (rival !== undefined) return;
    this.violations.push(
      `${site.name} removed ${app.instanceId} of ${cluster} at ${nowMs} ms, and it is alive`,
    );
  }

  /** It is registered somewhere, alive or not yet expired. */
  #mayBeSeen(app: Application): boolean {
    const held = this.sites[app.site]?.registry.services.get(app.serviceId);
    return app.alive || held?.instances.has(app.instanceId) === true;
  }

  /** What each registry holds against what it should. */
  #differences(): readonly string[] {
    const differences: string[] = [];
    for (const site of this.sites) {
      const expected = new Map<string, Application>();
      for (const app of this.apps) {
        const origin = this.sites[app.site]!.name;
        if (app.alive && app.site !== site.index) expected.set(`${origin}/${app.instanceId}`, app);
      }
      site.registry.expire();
      for (const { instances, service } of site.registry.services.values()) {
        for (const { instance } of instances.values()) {
          const cluster = instance.properties[stampKeys.originCluster];
          if (cluster === undefined) continue;
          const id = `${cluster}/${instance.properties[stampKeys.originInstance] ?? ''}`;
          const app = expected.get(id);
          expected.delete(id);
          const fault = app === undefined ? 'orphan, echo or duplicate' : unlike(app, instance);
          if (fault !== undefined)
            differences.push(`${site.name}, ${service.name}: ${id} ${fault}`);
        }
        const made = service.properties[stampKeys.originCluster] !== undefined;
        if (made && instances.size === 0 && !this.#named(service.name)) {
          differences.push(`${site.name}: the empty ${service.name} is left behind`);
        }
      }
      for (const id of expected.keys()) differences.push(`${site.name}: ${id} is missing`);
      for (const app of this.apps) {
        const held = site.registry.services.get(app.serviceId)?.instances.get(app.instanceId);
        if (app.site !== site.index || !app.alive) continue;
        if (held === undefined)
          differences.push(`${site.name}: native ${app.instanceId} is missing`);
      }
    }
    return differences;
  }

  /** Some registry holds the service as an application's own. */
  #named(name: string): boolean {
    return this.sites.some(({ registry }) =>
      [...registry.services.values()].some(
        ({ service }) =>
          service.name === name && service.properties[stampKeys.originCluster] === undefined,
      ),
    );
  }
}

function unlike(app: Application, copy: Instance): string | undefined {
  const { content, service } = app;
  const same =
    copy.endpoints.join() === content.endpoints.join() &&
    copy.status === content.status &&
    copy.properties.version === content.properties.version &&
    copy.hostName === content.hostName;
  return same ? undefined : `differs from its origin in ${service.name}`;
}
