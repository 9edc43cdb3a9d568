/** How servers start and end. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AuthServer } from '../index.js';
import { BEA, isThere, logIn, waitUntil } from './helpers.js';

/** Generous: builds for tests are slow, and other tests run beside this one. */
const READY = 3000;

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kit-'));
});
after(() => rm(folder, { recursive: true }));

/** A process of its own that starts a server, prints its address, and goes on with `rest`. */
async function startElsewhere(rest) {
  const program = `
    import { AuthServer } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
    const server = await AuthServer.start();
    console.log(server.url);
    ${rest}`;
  const options = { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: folder } };
  const run = spawn(process.execPath, ['--input-type=module', '--eval', program], options);
  const [line] = await once(run.stdout.setEncoding('utf8'), 'data');
  return { run, url: line.trim() };
}

const noFolders = async () => (await readdir(folder)).every((name) => !name.startsWith('auth-server-dev-'));

test('a server is ready soon and gone after its end', async () => {
  const begin = performance.now();
  const server = await AuthServer.start({ seed: [BEA] });
  assert.ok(performance.now() - begin < READY);
  assert.equal(await isThere(server.url), true);
  await server.stop();
  await server.stop();
  assert.equal(await isThere(server.url), false);
  assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
});

test('eight servers at once have users and clocks of their own', async () => {
  const own = (n) => ({ ...BEA, username: `bea${n}`, email: `bea${n}@example.org` });
  const numbers = [...Array(8).keys()];
  const servers = await Promise.all(numbers.map((n) => AuthServer.start({ seed: [own(n)] })));
  try {
    assert.equal(new Set(servers.map((server) => server.url)).size, 8);
    for (const [n, server] of servers.entries()) {
      const logins = await Promise.all(numbers.map((other) => logIn(server, own(other))));
      assert.deepEqual(logins.map(({ status }) => status === 200), numbers.map((other) => other === n));
    }
    const before = await servers[1].now();
    await servers[0].advance(3600);
    assert.ok((await servers[1].now()) - before < 600_000);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test('a server ends with a test run that is killed', async () => {
  const { run, url } = await startElsewhere('setInterval(() => {}, 1000);');
  assert.equal(await isThere(url), true);
  run.kill('SIGKILL');
  await waitUntil(async () => !(await isThere(url)));
  await waitUntil(noFolders);
});

test('a server that was forgotten keeps no process from ending, and ends with it', async () => {
  const { run, url } = await startElsewhere('');
  const [status] = run.exitCode === null ? await once(run, 'exit') : [run.exitCode];
  assert.equal(status, 0);
  await waitUntil(async () => !(await isThere(url)));
});

test('a server that can not start says why', async () => {
  const empty = join(folder, 'empty');
  await writeFile(empty, '');
  const silent = join(folder, 'silent');
  await writeFile(silent, '#!/bin/sh\necho starting >&2\nexec sleep 600\n');
  await chmod(silent, 0o755);
  for (const [options, message] of [
    [{ seed: empty }, /has ended with 1:\nauth-server: the seed names no realm/],
    [{ seed: [{ username: 'ada', password: 7 }] }, /line 2: a value of the wrong type/],
    [{ seed: join(folder, 'none') }, /ENOENT/],
    [{ binary: '/nowhere/auth-server' }, /binary: there is no program \/nowhere\/auth-server/],
    [{ binary: silent, timeout: 300 }, /not ready after 300 ms:\nstarting/],
  ]) {
    await assert.rejects(AuthServer.start(options), message);
  }
  const { PATH, AUTH_SERVER_BIN } = process.env;
  Object.assign(process.env, { PATH: folder, AUTH_SERVER_BIN: '' });
  try {
    await assert.rejects(AuthServer.start(), /install it into PATH, or name it in AUTH_SERVER_BIN/);
  } finally {
    Object.assign(process.env, { PATH, AUTH_SERVER_BIN: AUTH_SERVER_BIN ?? '' });
  }
});

test('a server that has ended is an error', async () => {
  const server = await AuthServer.start();
  process.kill(server.pid, 'SIGKILL');
  await waitUntil(async () => !(await isThere(server.url)));
  await assert.rejects(server.reset(), /auth-server (has ended|doesn't answer)/);
  await server.stop();
});
