/** What the tests of the kit share. */

import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export const ADA = {
  username: 'ada',
  email: 'ada@example.org',
  email_verified: true,
  full_name: 'Ada',
  password: 'ada-horse-battery-1234',
  totp_secret: 'JBSWY3DPEHPK3PXP',
};
export const BEA = {
  username: 'bea',
  email: 'bea@example.org',
  email_verified: true,
  full_name: 'Bea',
  password: 'bea-horse-battery-1234',
};

export async function post(url, body) {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, content: await answer.json() };
}

/** The answer to a login at Rocket.Chat. */
export function logIn(server, { username, password }, code) {
  return post(`${server.rocketchatUrl}/api/v1/login`, { user: username, password, code });
}

export async function tokenIsGood(server, { data }) {
  const headers = { 'X-User-Id': data.userId, 'X-Auth-Token': data.authToken };
  return (await fetch(`${server.rocketchatUrl}/api/v1/me`, { headers })).status === 200;
}

export function isThere(url) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export async function waitUntil(isSo) {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await isSo()) return;
    await pause(10);
  }
  throw new Error('not so in time');
}
