// Every call of the v4 API.

import type { Route } from './call.ts';
import { instanceRoutes } from './instance-routes.ts';
import { serverRoutes } from './server-routes.ts';
import { serviceRoutes } from './service-routes.ts';

export const routes: readonly Route[] = [...serviceRoutes, ...instanceRoutes, ...serverRoutes];
