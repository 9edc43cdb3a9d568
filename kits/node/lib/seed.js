/** The users with whom a server begins, as import lines. */

import { readFile } from 'node:fs/promises';

const REALM = 'dev';

/**
 * The import lines of a seed: of a file at a path, or of objects. `undefined` stands for the demo users. An object without `kind`
 * is a user. Without a realm among them, they get one.
 */
export async function asText(seed) {
  if (seed === undefined) return undefined;
  if (typeof seed === 'string' || seed instanceof URL) return readFile(seed, 'utf8');
  const given = [...seed];
  const realm = given.find((line) => line.kind === 'realm');
  const first = realm ? [] : [{ kind: 'realm', realm: REALM, subdomain: '', digest_logins: true }];
  return usersAsText([...first, ...given], realm?.realm ?? REALM);
}

/** Import lines of objects, each of which is a user of the realm unless it says otherwise. */
export function usersAsText(lines, realm) {
  return lines.map((line) => `${JSON.stringify({ kind: 'user', realm, ...line })}\n`).join('');
}
