/** All there is to measure, by name. */
import type { Scenario } from './scenario.ts';
import { idle } from './scenarios/idle.ts';
import { ride } from './scenarios/ride.ts';
import { saturate } from './scenarios/saturate.ts';

export const scenarios: Readonly<Record<string, Scenario>> = { saturate, ride, idle };
