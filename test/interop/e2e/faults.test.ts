import { describeFaults } from '../../e2e/faults.ts';

describeFaults('servicecenter');
