/** What a test can do with a server. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { AuthServer, ControlError } from '../index.js';
import { ADA, BEA, logIn, post, tokenIsGood } from './helpers.js';

let server;
before(async () => {
  server = await AuthServer.start({ seed: [ADA, BEA] });
});
beforeEach(() => server.reset());
after(() => server.stop());

test('one line gives a server with the demo users', async () => {
  const demo = await AuthServer.start();
  try {
    assert.deepEqual(demo.users.map((user) => user.username), ['iago', 'myusername', 'IDENT']);
    assert.equal((await logIn(demo, { username: 'myusername', password: 'mypassword' })).status, 200);
  } finally {
    await demo[Symbol.asyncDispose]();
  }
});

test('a seed is users, import lines or a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kit-'));
  const realm = { kind: 'realm', realm: 'main', subdomain: '' };
  const file = join(folder, 'users.jsonl');
  await writeFile(file, `${JSON.stringify(realm)}\n${JSON.stringify({ kind: 'user', realm: 'main', ...BEA })}\n`);
  for (const seed of [[BEA], [realm, BEA], new Set([BEA]), file, pathToFileURL(file)]) {
    const seeded = await AuthServer.start({ seed });
    assert.equal((await logIn(seeded, BEA)).status, 200);
    assert.equal((await logIn(seeded, { username: 'iago', password: 'abcd1234' })).status, 401);
    await seeded.stop();
  }
  await rm(folder, { recursive: true });
});

test('a reset brings the seed back', async () => {
  const { content: login } = await logIn(server, BEA);
  const cleo = { username: 'cleo', password: 'cleo-horse-1234' };
  await server.addUsers([cleo]);
  assert.deepEqual(server.users.map((user) => user.username), ['ada', 'bea', 'cleo']);
  assert.equal((await logIn(server, cleo)).status, 200);
  await server.advance(400 * 24 * 3600);
  await server.reset();
  assert.equal(server.users.length, 2);
  assert.equal((await logIn(server, cleo)).status, 401);
  assert.equal(await tokenIsGood(server, login), false);
  assert.ok(Math.abs((await server.now()) - Date.now()) < 60_000);
  assert.equal((await logIn(server, BEA)).status, 200);
});

test('tokens end when the clock was moved, and codes change', async () => {
  assert.equal((await logIn(server, ADA)).status, 401);
  const first = await server.code('ada');
  const { status, content: login } = await logIn(server, ADA, first);
  assert.equal(status, 200);
  assert.equal(await tokenIsGood(server, login), true);
  const before = await server.now();
  const later = await server.advance(91 * 24 * 3600);
  assert.ok(later - before >= 91 * 24 * 3600_000);
  assert.equal(await tokenIsGood(server, login), false);
  assert.equal((await logIn(server, ADA, first)).status, 401);
  assert.equal((await logIn(server, ADA, await server.code('ada@example.org'))).status, 200);
  await assert.rejects(server.advance(-1), (error) => {
    assert.ok(error instanceof ControlError);
    assert.deepEqual([error.status, error.code], [400, 'bad-body']);
    return true;
  });
});

test('a lost password is set anew by the link in the mail', async () => {
  await assert.rejects(server.waitForMail({ to: BEA.email, timeout: 50 }), /no mail to bea@example.org/);
  const { status } = await post(`${server.rocketchatUrl}/api/v1/users.forgotPassword`, { email: BEA.email });
  assert.equal(status, 200);
  const mail = await server.waitForMail({ to: BEA.email, subject: 'Password' });
  assert.equal(mail.links.length, 1);
  assert.ok(mail.links[0].startsWith(`${server.webUrl}/reset-password/`), mail.links[0]);
  assert.deepEqual(await server.mails(), [mail]);
  assert.deepEqual(await server.mails({ after: mail.number }), []);
});

test('a mailed code is told', async () => {
  const cleo = { ...BEA, username: 'cleo', email: 'cleo@example.org', email_2fa: true };
  await server.addUsers([cleo]);
  await assert.rejects(server.code('cleo'), /no code was mailed/);
  assert.equal((await logIn(server, cleo)).status, 401);
  const { codes } = await server.waitForMail({ to: cleo.email });
  assert.deepEqual(codes, [await server.code('cleo')]);
  assert.equal((await logIn(server, cleo, codes[0])).status, 200);
  await assert.rejects(server.code('nobody'), /no such user/);
});

test('control endpoints refuse browsers and wrong tokens', async () => {
  const { url, token } = server.control;
  const Authorization = `Bearer ${token}`;
  for (const [headers, status] of [
    [{ Authorization }, 200],
    [{}, 401],
    [{ Authorization: 'Bearer wrong' }, 401],
    [{ Authorization, Origin: 'http://localhost' }, 403],
    [{ Authorization, 'Sec-Fetch-Site': 'none' }, 403],
  ]) {
    assert.equal((await fetch(`${url}/clock`, { headers })).status, status, JSON.stringify(headers));
  }
});
