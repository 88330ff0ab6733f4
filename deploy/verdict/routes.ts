/** The proxy's routes: symbolic links in the run folder, and what the proxy itself says about them. */
import { readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { ask } from './ask.ts';

export const routeNames: readonly string[] = Array.from(
  { length: 20 },
  (_, index) => `v${String(index).padStart(2, '0')}`,
);

/** Instance a link leads to, `a.<release>`; undefined when there is no such link. */
export async function instanceAt(runFolder: string, link: string): Promise<string | undefined> {
  const target = await readlink(join(runFolder, `${link}.sock`)).catch(() => undefined);
  return target?.replace(/\.sock$/, '');
}

/** Renaming is atomic: a link leads to the one or to the other, never to nothing. */
export async function point(runFolder: string, link: string, instance: string): Promise<void> {
  if ((await instanceAt(runFolder, link)) === instance) return;
  const next = join(runFolder, `.${link}.next`);
  await rm(next, { force: true });
  await symlink(`${instance}.sock`, next);
  await rename(next, join(runFolder, `${link}.sock`));
}

/** `a.2026-11-21` → `2026-11-21`. */
export const releaseOf = (instance: string): string => instance.slice(instance.indexOf('.') + 1);

/** Release that answers on a route when asked through the proxy. */
export async function servedRelease(proxyUrl: string, route: string): Promise<string | undefined> {
  const answer = await ask({ url: proxyUrl }, `/__release/${route}`);
  const release = (answer?.body as { readonly release?: unknown } | undefined)?.release;
  return answer?.status === 200 && typeof release === 'string' ? release : undefined;
}

/** A sentence for each route whose link and whose answer through the proxy do not agree. */
export async function disagreements(
  proxyUrl: string,
  runFolder: string,
  routes: readonly string[] = routeNames,
): Promise<string[]> {
  const found = await Promise.all(
    routes.map(async (route) => {
      const instance = await instanceAt(runFolder, route);
      if (instance === undefined) return `Route ${route} leads nowhere.`;
      const release = await servedRelease(proxyUrl, route);
      if (release === undefined)
        return `Route ${route} (${instance}) does not answer through the proxy.`;
      return release === releaseOf(instance)
        ? undefined
        : `Route ${route} should lead to ${instance}, and release ${release} answers.`;
    }),
  );
  return found.filter((sentence) => sentence !== undefined);
}
