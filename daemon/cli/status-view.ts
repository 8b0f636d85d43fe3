// The state of the daemon for people: what `syncer status` prints.

import type {
  Condition,
  Figures,
  Lag,
  Link,
  Peer,
  Registry,
  State,
} from '../../proto/gen/syncer/control/v1/control.ts';
import { renderSentence, renderText } from '../../proto/health.ts';
import type { Session } from './session.ts';
import { markOf } from './style.ts';
import type { Cell } from './table.ts';

/** Prints the whole state. */
export function printState(session: Session, state: State): void {
  const { say } = session;
  const { summary, figures, registry } = state;
  if (summary !== undefined) {
    const { mark, tone } = markOf(summary.overall);
    const text = renderSentence(summary.sentence, say, state.nowMs);
    session.paragraph(text, '  ', `${session.style.paint(mark, tone)} `);
  }
  if (figures !== undefined) printFigures(session, figures);
  if (registry !== undefined) printRegistry(session, registry, state.nowMs);
  printPeers(session, state.peers?.peers ?? [], state.nowMs);
  printLinks(session, state.links?.links ?? [], state.nowMs);
  printConditions(session, summary?.conditions ?? [], state.nowMs);
}

function printFigures(session: Session, figures: Figures): void {
  const { say, words } = session;
  session.line();
  session.paragraph(
    say('cli.status.counts', {
      exported: figures.exportedInstances,
      imported: figures.foreignInstances,
      services: figures.foreignServices,
      held: figures.held,
    }),
    '  ',
  );
  session.paragraph(
    say('cli.status.work', {
      leases: figures.leasesKept,
      share: words.percent(figures.leasesInTimeShare),
      waiting: figures.queueWaiting + figures.queueInFlight,
      known: figures.etaMs === undefined ? 'no' : 'yes',
      eta: words.duration(figures.etaMs),
    }),
    '  ',
  );
}

function printRegistry(session: Session, registry: Registry, nowMs: number): void {
  const { say, words } = session;
  session.paragraph(
    say('cli.status.registry', {
      kind: registry.kind,
      version: registry.version === '' ? say('cli.say.unknown') : registry.version,
      address: registry.address,
      state: words.state(registry.state),
      since: words.ago(registry.sinceMs, nowMs),
    }),
    '  ',
  );
  const { driver, 'driver-faults': count, 'driver-last-fault': fault } = registry.findings;
  if (driver !== undefined && fault !== undefined) {
    const text = say('cli.status.driver-faults', { driver, count: count ?? '', fault });
    session.paragraph(text, '  ', `${session.style.paint('!', 'warning')} `);
  }
}

function printPeers(session: Session, peers: readonly Peer[], nowMs: number): void {
  if (peers.length === 0) return;
  const { say, words } = session;
  session.line();
  session.table(peers, [
    { title: say('cli.column.cluster'), cell: (peer) => peer.cluster },
    { title: say('cli.column.state'), cell: (peer) => stateCell(session, peerState(peer)) },
    { title: say('cli.column.copies'), align: 'right', cell: (peer) => words.count(peer.copies) },
    { title: say('cli.column.pending'), align: 'right', cell: (peer) => words.count(peer.pending) },
    { title: say('cli.column.held'), align: 'right', cell: (peer) => words.count(peer.held) },
    { title: say('cli.column.heard'), cell: (peer) => words.ago(peer.lastHeardMs, nowMs) },
    {
      title: say('cli.column.gone-in'),
      cell: (peer) => words.left(peer.expiresAtMs, nowMs),
    },
    {
      title: say('cli.column.instances'),
      align: 'right',
      wide: true,
      cell: (peer) => words.count(peer.instances),
    },
    {
      title: say('cli.column.round-trip'),
      wide: true,
      cell: (peer) => words.duration(peer.roundTripMs),
    },
    {
      title: say('cli.column.clock'),
      wide: true,
      cell: (peer) => signed(peer.clockOffsetMs, words.duration),
    },
  ]);
}

function printLinks(session: Session, links: readonly Link[], nowMs: number): void {
  if (links.length === 0) return;
  const { say, words } = session;
  session.line();
  session.table(links, [
    { title: say('cli.column.link'), cell: (link) => `${link.from} → ${link.to}` },
    { title: say('cli.column.state'), cell: (link) => stateCell(session, link.state) },
    { title: say('cli.column.delay'), align: 'right', cell: (link) => delay(session, link) },
    {
      title: say('cli.column.p99'),
      align: 'right',
      wide: true,
      cell: (link) => figure(session, link.lag, link.lag?.p99Ms),
    },
    {
      title: say('cli.column.worst'),
      align: 'right',
      cell: (link) => figure(session, link.lag, link.lag?.worstMs),
    },
    {
      title: say('cli.column.equal'),
      cell: (link) =>
        link.lag === undefined && link.provenEqualMs === undefined
          ? '–'
          : words.ago(link.provenEqualMs, nowMs),
    },
    {
      title: say('cli.column.acknowledged'),
      align: 'right',
      wide: true,
      cell: (link) =>
        link.acknowledgedRevision === undefined ? '–' : words.count(link.acknowledgedRevision),
    },
    { title: say('cli.column.reason'), wide: true, cell: (link) => link.reason },
  ]);
}

/**
 * The median; `–` for a link that only the other side measures, and "unknown since" for one that
 * should have been measured: figures of a broken link are of another time.
 */
function delay(session: Session, link: Link): Cell | string {
  const { say, words } = session;
  if (link.lag === undefined) return '–';
  if (link.state === 'connected' && link.lag.p50Ms !== undefined) {
    return words.duration(link.lag.p50Ms);
  }
  if (link.state === 'connected') return { text: say('cli.say.unknown'), tone: 'quiet' };
  return {
    text: say('cli.say.unknown-since', { time: words.clock(link.sinceMs) }),
    tone: 'warning',
  };
}

function figure(session: Session, lag: Lag | undefined, ms: number | undefined): string {
  return lag === undefined || ms === undefined ? '–' : session.words.duration(ms);
}

function printConditions(session: Session, conditions: readonly Condition[], nowMs: number): void {
  if (conditions.length === 0) return;
  session.line();
  for (const { severity, text, remedy } of conditions) {
    const { mark, tone } = markOf(severity);
    if (text !== undefined) {
      const rendered = renderText(text, session.say, nowMs);
      session.paragraph(rendered, '  ', `${session.style.paint(mark, tone)} `);
    }
    if (remedy !== undefined)
      session.paragraph(renderText(remedy, session.say, nowMs), '    ', '  → ');
  }
}

function peerState(peer: Peer): string {
  return peer.paused ? 'paused' : peer.link;
}

/** A state as a cell: its mark, its word, its colour. */
export function stateCell(session: Session, state: string): Cell {
  const { mark, tone } = markOf(state);
  return { text: `${mark} ${session.words.state(state)}`, tone };
}

function signed(ms: number | undefined, duration: (ms: number | undefined) => string): string {
  if (ms === undefined) return duration(ms);
  return `${ms < 0 ? '−' : '+'}${duration(Math.abs(ms))}`;
}
