import { describeFaults, describeInjectedFaults } from './faults.ts';

describeFaults('lab');
describeInjectedFaults();
