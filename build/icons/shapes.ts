// The tray's icons, one shape a state, drawn on a grid of 16. A shape tells the state without its
// colour; colours only help. `ink` is the panel's own colour of text.

/** Ink by the panel; a template is black, and macOS colours it. */
export const inks = { 'on-light': '#1f2328', 'on-dark': '#f0f3f6', template: '#000000' } as const;

export type Variant = keyof typeof inks;

/** Accents by panel; none in a template. */
const accents = {
  'on-light': { good: '#1a7f37', warn: '#9a6700', bad: '#cf222e' },
  'on-dark': { good: '#56d364', warn: '#e3b341', bad: '#ff7b72' },
  template: { good: '#000000', warn: '#000000', bad: '#000000' },
} as const;

interface Colours {
  readonly ink: string;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
}

/** Two registries and what is between them, as a frame for every state. */
const nodes = (ink: string): string =>
  `<circle cx="3" cy="8" r="2.2" fill="${ink}"/><circle cx="13" cy="8" r="2.2" fill="${ink}"/>`;

const stroke = (d: string, colour: string, width = 1.6): string =>
  `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;

/** State → what is drawn. */
export const trayShapes: Readonly<Record<string, (colours: Colours) => string>> = {
  // An arc that is not closed yet.
  starting: ({ ink }) =>
    nodes(ink) + stroke('M4.6 4.6A5 5 0 0 1 8 3', ink) + stroke('M8 13A5 5 0 0 0 11.4 11.4', ink),
  // Both arcs closed: a ring through both.
  'in-sync': ({ ink, good }) =>
    nodes(ink) +
    stroke('M3.8 5A5.2 5.2 0 0 1 12.2 5', good) +
    stroke('M3.8 11A5.2 5.2 0 0 0 12.2 11', good),
  // Arrows on their way.
  'catching-up': ({ ink, good }) =>
    nodes(ink) +
    stroke('M4.5 4.2H10.5M8.6 2.3L10.7 4.2L8.6 6.1', good, 1.4) +
    stroke('M11.5 11.8H5.5M7.4 9.9L5.3 11.8L7.4 13.7', good, 1.4),
  // A triangle with a mark.
  degraded: ({ warn }) =>
    stroke('M8 2.2L14.4 13.4H1.6Z', warn, 1.7) +
    stroke('M8 6.6V9.4', warn) +
    `<circle cx="8" cy="11.6" r="0.95" fill="${warn}"/>`,
  // A raised hand's plain form: a box that holds something.
  holding: ({ ink, warn }) =>
    stroke('M2.4 6.5V13.2H13.6V6.5', ink, 1.7) + stroke('M8 2.2V9.4M5.4 7L8 9.6L10.6 7', warn, 1.7),
  paused: ({ ink }) => nodes(ink) + stroke('M6.6 3.4V12.6M9.4 3.4V12.6', ink, 1.7),
  // A question.
  unknown: ({ ink }) =>
    stroke('M5 5.4A3 3 0 1 1 9.4 8C8.4 8.6 8 9 8 10.2', ink, 1.7) +
    `<circle cx="8" cy="13" r="1.05" fill="${ink}"/>`,
  // Nothing between the two.
  stopped: ({ ink }) =>
    `<circle cx="3.4" cy="8" r="2.2" fill="none" stroke="${ink}" stroke-width="1.4"/><circle cx="12.6" cy="8" r="2.2" fill="none" stroke="${ink}" stroke-width="1.4"/>`,
  'cannot-start': ({ bad }) => stroke('M3.4 3.4L12.6 12.6M12.6 3.4L3.4 12.6', bad, 2.2),
};

/** Gives an icon of the tray as SVG. */
export function traySvg(state: string, variant: Variant): string {
  const draw = trayShapes[state];
  if (draw === undefined) throw new Error(`no shape for ${state}`);
  const body = draw({ ink: inks[variant], ...accents[variant] });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${body}</svg>\n`;
}
