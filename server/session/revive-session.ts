/** A session that no store knows any more begins again from what its client says it began with. [R12] */
import { retentionMs } from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import type { Parsed } from '../../shared/session/session-model.ts';
import type { OpeningParts } from './open-session.ts';

/**
 * The client's commands do the rest: it keeps them all until the session's final receipt. The epoch is one that nobody has a position
 * of. Rejects with StoreUnavailableError; trying again is safe, and so is doing it twice at once: the first one counts.
 */
export async function reviveSession(
  { journals, models, newId }: OpeningParts,
  sessionId: string,
  { kind, input }: { readonly kind: string; readonly input: unknown },
): Promise<Parsed<'created' | 'above-ceiling'>> {
  const model = models.get(kind);
  if (model === undefined) return { ok: false, problem: 'There is no session kind of that name.' };
  const parsed = model.parseInput(input);
  if (!parsed.ok) return parsed;
  const snapshot = genesis(model, parsed.value);
  const epoch = `0-${newId().slice(0, 8)}`;
  const session = { sessionId, epoch, snapshot, retentionMs };
  return { ok: true, value: await journals.checkpoints.create(session) };
}
