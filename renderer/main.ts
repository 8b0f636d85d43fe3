// Entry of the page: finds its host, then shows the application. The same build runs in the desktop
// shell and in a browser.

import { mount } from 'svelte';
import App from './App.svelte';
import { findHost } from './lib/host.ts';
import './styles/tokens.css';
import './styles/base.css';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no element with the id "app"');
mount(App, { target, props: { host: findHost() } });
