/** A copy of what is shipped in which one guard is taken away. */
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** `from` stands once in all the code of the folder. */
export interface Edit {
  readonly from: string;
  readonly to: string;
}

/** The built server of that folder, which needs the packages of the repository. Resolves to the file to start. */
export async function editedServer(
  serverFile: string,
  edit: Edit,
  into: string,
  repository: string,
): Promise<string> {
  const copy = join(into, 'server');
  await cp(dirname(serverFile), copy, { recursive: true });
  await symlink(join(repository, 'node_modules'), join(into, 'node_modules'));
  await writeFile(join(into, 'package.json'), '{"type":"module"}');
  await takeAway(copy, edit);
  return join(copy, basename(serverFile));
}

/** The folder `deploy/` of the repository. Resolves to what stands for the repository then. */
export async function editedDeploy(repository: string, edit: Edit, into: string): Promise<string> {
  await cp(join(repository, 'deploy'), join(into, 'deploy'), { recursive: true });
  await takeAway(join(into, 'deploy'), edit);
  return into;
}

async function takeAway(folder: string, { from, to }: Edit): Promise<void> {
  let count = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.(js|sh)$/.test(name)) continue;
    const file = join(folder, name);
    const text = await readFile(file, 'utf8');
    if (!text.includes(from)) continue;
    count += text.split(from).length - 1;
    await writeFile(
      file,
      text.replace(from, () => to),
    );
  }
  if (count !== 1) throw new Error(`"${from}" stands ${count} times in what is shipped, not once.`);
}
