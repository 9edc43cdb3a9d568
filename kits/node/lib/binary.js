/** Where the program is. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AuthServerError } from './errors.js';

const VARIABLE = 'AUTH_SERVER_BIN';
const CARRIED = fileURLToPath(new URL('../bin/auth-server', import.meta.url));

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The program: the one that is given, that of the environment variable, the one in this package, or the one in PATH. */
export function find(given) {
  for (const [source, path] of [['binary', given], [VARIABLE, process.env[VARIABLE]]]) {
    if (path) {
      if (!isProgram(path)) throw new AuthServerError(`${source}: there is no program ${path}`);
      return path;
    }
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const found = [CARRIED, ...folders.map((folder) => join(folder, 'auth-server'))].find(isProgram);
  if (!found) throw new AuthServerError(`auth-server is not found: install it into PATH, or name it in ${VARIABLE}`);
  return found;
}
