import { describeJourney } from './journey.ts';

describeJourney('lab');
