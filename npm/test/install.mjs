/** The package as users get it: packed, installed in a folder of its own from the tarball, the tests copied beside it. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));

/** Makes the folder; nothing is asked of the registry, since the package depends on nothing. */
export function install() {
  const folder = mkdtempSync(join(tmpdir(), 'redstart-installed-'));
  const npm = (cwd, ...args) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [{ filename }] = JSON.parse(npm(here, 'pack', '--json', '--loglevel=error', '--pack-destination', folder));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'installed', private: true, type: 'module', dependencies: { redstart: `file:${filename}` } }));
  npm(folder, 'install', '--offline', '--no-audit', '--no-fund', '--loglevel=error');
  // What the tests use besides comes from where `npm ci` put it.
  const modules = join(folder, 'node_modules');
  for (const name of readdirSync(join(here, 'node_modules'))) {
    if (name.startsWith('.') || existsSync(join(modules, name))) continue;
    symlinkSync(join(here, 'node_modules', name), join(modules, name));
  }
  mkdirSync(join(folder, 'test'));
  for (const name of ['test', 'examples']) cpSync(join(here, name), join(folder, name), { recursive: true });
  return { folder: pathToFileURL(`${folder}/`).pathname, tarball: join(folder, filename) };
}
