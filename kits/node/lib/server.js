/** The server, as tests have it in hand. */

import { request } from 'node:http';

import { find } from './binary.js';
import { AuthServerError, ControlError } from './errors.js';
import { Process } from './process.js';
import { asText, usersAsText } from './seed.js';

/** Milliseconds that a request to a control endpoint may take, beyond what it waits for. */
const LONGEST = 30_000;

/** Milliseconds that a control endpoint waits for a mail at most. */
const LONGEST_WAIT = 60_000;

export class AuthServer {
  #process;
  #ready;
  #added = [];
  #stopped = false;

  constructor(process, ready) {
    this.#process = process;
    this.#ready = ready;
  }

  static async start({ seed, binary, limits = false, timeout = 20_000 } = {}) {
    const lines = await asText(seed);
    const options = ['dev', '--listen', '127.0.0.1:0', '--ready-json', '--exit-with-parent'];
    if (lines !== undefined) options.push('--seed', '-');
    if (limits) options.push('--limits');
    const process = new Process(find(binary), options, lines);
    try {
      const ready = await process.ready(timeout);
      process.release();
      return new AuthServer(process, ready);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#process.stop();
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.stop();
  }

  get url() {
    return this.#ready.zulip;
  }

  get zulipUrl() {
    return this.#ready.zulip;
  }

  get rocketchatUrl() {
    return this.#ready.rocketchat;
  }

  get zettelstoreUrl() {
    return this.#ready.zettelstore;
  }

  get webUrl() {
    return this.#ready.web;
  }

  get control() {
    return this.#ready.control;
  }

  get pid() {
    return this.#ready.pid;
  }

  get version() {
    return this.#ready.version;
  }

  get users() {
    return [...this.#ready.users, ...this.#added];
  }

  async now() {
    return new Date((await this.#ask('GET', '/clock')).now);
  }

  async reset() {
    await this.#ask('POST', '/reset');
    this.#added = [];
  }

  async advance(seconds) {
    return new Date((await this.#ask('POST', '/clock', { body: JSON.stringify({ seconds }) })).now);
  }

  async addUsers(lines) {
    const added = [...lines];
    await this.#ask('POST', '/users', { body: usersAsText(added, this.#ready.users[0]?.realm ?? 'dev') });
    this.#added.push(...added.filter((line) => (line.kind ?? 'user') === 'user'));
  }

  async mails(wanted = {}) {
    return this.#mails(wanted, 0);
  }

  async waitForMail({ timeout = 10_000, ...wanted } = {}) {
    const [found] = await this.#mails(wanted, Math.min(timeout, LONGEST_WAIT));
    if (!found) throw new AuthServerError(`no mail to ${wanted.to ?? 'anybody'} came within ${timeout} ms`);
    return found;
  }

  async code(user) {
    const { totp, mailed } = await this.#ask('GET', `/codes?${new URLSearchParams({ user })}`);
    const code = totp ?? mailed;
    if (!code) throw new AuthServerError(`${user} has no authenticator app, and no code was mailed`);
    return code;
  }

  async #mails({ to, subject, after }, wait) {
    const wanted = Object.entries({ to, subject, after, wait: wait / 1000 }).filter(([, value]) => value);
    return (await this.#ask('GET', `/mails?${new URLSearchParams(wanted)}`, { wait })).mails;
  }

  /** What a control endpoint answers. `fetch` would send headers of browsers, and keep connections. */
  #ask(method, path, { body, wait = 0 } = {}) {
    const { url, token } = this.#ready.control;
    const headers = { Authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const gone = (error) => {
        const what = this.#process.hasEnded ? 'has ended' : "doesn't answer";
        reject(new AuthServerError(`auth-server ${what} (${error.message})${this.#process.told()}`, { cause: error }));
      };
      const asked = request(url + path, { method, headers, agent: false, timeout: LONGEST + wait }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece) => (text += piece)).on('error', gone);
        answer.on('end', () => {
          const told = JSON.parse(text);
          if (answer.statusCode === 200) resolve(told);
          else reject(new ControlError(answer.statusCode, told.code, told.title));
        });
      });
      asked.on('timeout', () => asked.destroy(new Error('timeout'))).on('error', gone).end(body);
    });
  }
}
