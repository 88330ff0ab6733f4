/** All there is to measure, by name. */
import type { Scenario } from './scenario.ts';
import { idle } from './scenarios/idle.ts';
import { restart } from './scenarios/restart.ts';
import { ride } from './scenarios/ride.ts';
import { saturate } from './scenarios/saturate.ts';
import { start } from './scenarios/start.ts';
import { storm } from './scenarios/storm.ts';
import { whole } from './scenarios/whole.ts';

export const scenarios: Readonly<Record<string, Scenario>> = {
  saturate,
  ride,
  idle,
  storm,
  restart,
  start,
  whole,
};
