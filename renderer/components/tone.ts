/** How a state is shown: each has a shape of its own (StateBadge.svelte), a word and a colour. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'unknown' | 'off' | 'paused';
