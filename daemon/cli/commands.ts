// Every command, in the order of `--help`.

import type { CommandSpec } from './command.ts';
import { activityCommand } from './commands/activity.ts';
import { clusterCommand } from './commands/cluster.ts';
import { clustersCommand } from './commands/clusters.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { daemonCommand } from './commands/daemon.ts';
import { driverCommand } from './commands/driver.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { heldCommand } from './commands/held.ts';
import { instancesCommand } from './commands/instances.ts';
import { keysCommand } from './commands/keys.ts';
import { labCommand } from './commands/lab.ts';
import { forceLeaveCommand, leaveCommand } from './commands/leave.ts';
import { logsCommand } from './commands/logs.ts';
import { membersCommand } from './commands/members.ts';
import { pauseCommand, resumeCommand } from './commands/pause.ts';
import { planCommand } from './commands/plan.ts';
import { queryCommand } from './commands/query.ts';
import { servicesCommand } from './commands/services.ts';
import { statusCommand } from './commands/status.ts';
import { uiCommand } from './commands/ui.ts';
import { versionCommand } from './commands/version.ts';

export const commands: readonly CommandSpec[] = [
  daemonCommand,
  statusCommand,
  clustersCommand,
  clusterCommand,
  servicesCommand,
  instancesCommand,
  explainCommand,
  planCommand,
  heldCommand,
  pauseCommand,
  resumeCommand,
  activityCommand,
  membersCommand,
  queryCommand,
  leaveCommand,
  forceLeaveCommand,
  keysCommand,
  doctorCommand,
  uiCommand,
  logsCommand,
  configCommand,
  driverCommand,
  labCommand,
  demoCommand,
  versionCommand,
  completionCommand(() => commands),
];
