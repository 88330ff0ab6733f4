/** The process of the riders. */
import { answerParent } from './child.ts';
import { durableFleet } from './durable-riders.ts';
import { floorFleet } from './floor-riders.ts';
import { enterAll } from './people.ts';
import type { Fleet, GeneratorQuestion } from './riders.ts';
import { ownUsage } from './usage.ts';

let fleet: Fleet | undefined;

answerParent(async (question: GeneratorQuestion) => {
  switch (question.kind) {
    case 'connect':
      fleet ??= question.subject === 'durable' ? durableFleet() : floorFleet(question.subject);
      return fleet.connect(question);
    case 'ride':
      return fleet?.ride(question);
    case 'break':
      return fleet?.recover(question);
    case 'account':
      return fleet?.account?.();
    case 'people':
      return enterAll(question);
    case 'usage':
      return ownUsage();
  }
});
