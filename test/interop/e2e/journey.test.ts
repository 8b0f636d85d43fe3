import { describeJourney } from '../../e2e/journey.ts';

describeJourney('servicecenter');
