/** A tarball of the kit as it was installed: its licences, and how soon a server is ready. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { AuthServer } from 'auth-server-testkit';

test('the installed package starts a server, in a tenth of a second', async () => {
  const took = [];
  for (let start = 0; start < 10; start += 1) {
    const begin = performance.now();
    const server = await AuthServer.start();
    took.push(performance.now() - begin);
    assert.equal((await fetch(`${server.zulipUrl}/api/v1/server_settings`)).status, 200);
    const { version } = JSON.parse(await readFile('node_modules/auth-server-testkit/package.json', 'utf8'));
    assert.equal(server.version, version);
    await server.stop();
  }
  // Other programs may take the processor at times: the quickest start is the server's own.
  assert.ok(Math.min(...took) < 100, took.join(' '));
});

test('licences are in the tarball', async () => {
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) {
    assert.ok((await readFile(`node_modules/auth-server-testkit/${name}`, 'utf8')).length > 500);
  }
});
