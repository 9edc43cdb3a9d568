/** A published client logs in at a server of the kit. KIT_CLIENTS names the folder in which it is installed. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AuthServer } from '../index.js';
import { BEA } from './helpers.js';

assert.ok(process.env.KIT_CLIENTS, 'KIT_CLIENTS is not set: run cargo xtask kits');
const published = createRequire(join(process.env.KIT_CLIENTS, 'package.json'));

let server;
before(async () => {
  server = await AuthServer.start({ seed: [BEA] });
});
after(() => server.stop());

test('zulip-js gets a key and uses it', async () => {
  const zulip = published('zulip-js');
  const client = await zulip({ realm: server.zulipUrl, username: BEA.email, password: BEA.password });
  assert.equal((await client.users.me.getProfile()).full_name, 'Bea');
  await server.reset();
  assert.equal((await client.users.me.getProfile()).result, 'error');
});
