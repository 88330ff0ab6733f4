/** All there is to measure, by name. */
import type { Scenario } from './scenario.ts';
import { deploy } from './scenarios/deploy.ts';
import { guard } from './scenarios/guard.ts';
import { idle } from './scenarios/idle.ts';
import { loginWhileRiding } from './scenarios/login-while-riding.ts';
import { login } from './scenarios/login.ts';
import { restart } from './scenarios/restart.ts';
import { resume } from './scenarios/resume.ts';
import { ride } from './scenarios/ride.ts';
import { saturate } from './scenarios/saturate.ts';
import { start } from './scenarios/start.ts';
import { storm } from './scenarios/storm.ts';
import { survive } from './scenarios/survive.ts';
import { whole } from './scenarios/whole.ts';

/** In the order in which the page shows them. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  saturate,
  ride,
  whole,
  idle,
  storm,
  restart,
  survive,
  deploy,
  resume,
  start,
  login,
  'login-while-riding': loginWhileRiding,
  guard,
};
