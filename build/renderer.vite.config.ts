// Bundles the page into dist/renderer. Assets are relative, because the same files are served by
// the desktop shell's own scheme and by the daemon's web server.

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const root = new URL('../renderer', import.meta.url).pathname;

export default defineConfig({
  root,
  base: './',
  plugins: [svelte({ configFile: new URL('svelte.config.js', import.meta.url).pathname })],
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'es2024',
    // Inlined assets would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
