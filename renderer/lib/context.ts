// The host (lib/host.ts), for every component below the application without being handed down.

import { createContext } from 'svelte';
import type { Host } from './host.ts';

export const [getHost, setHost] = createContext<Host>();
