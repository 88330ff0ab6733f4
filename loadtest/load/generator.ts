/** The process of the riders. */
import { answerParent } from './child.ts';
import { rideDurable } from './durable-riders.ts';
import { rideFloor } from './floor-riders.ts';
import type { Fleet, GeneratorQuestion } from './riders.ts';
import { ownUsage } from './usage.ts';

let fleet: Fleet | undefined;

answerParent(async (question: GeneratorQuestion) => {
  switch (question.kind) {
    case 'connect':
      fleet = await (question.subject === 'durable' ? rideDurable : rideFloor)(question);
      return fleet.riderCount;
    case 'ride':
      return fleet?.ride(question);
    case 'usage':
      return ownUsage();
  }
});
