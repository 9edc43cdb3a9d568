/** The server's process: started, ready, ended. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { AuthServerError } from './errors.js';

/** Milliseconds that a server has for its last requests. */
const GRACE = 5000;

/** So much of standard error is kept. */
const SHOWN = 8192;

/** A server that ends with this process, also where this one is killed. It doesn't keep this one from ending. */
export class Process {
  #child;
  #ended;
  #errors = '';

  constructor(command, options, given) {
    this.#child = spawn(command, options, { stdio: [given === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`can't be started: ${error.message}`));
      this.#child.once('close', (code, signal) => resolve(`has ended with ${signal ?? code}`));
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-SHOWN);
    });
    // Why a server has ended that reads nothing is on its standard error.
    this.#child.stdin?.on('error', () => {}).end(given);
  }

  /** Waits for the line that says that the server is ready, and returns what it says. */
  async ready(timeout) {
    let timer;
    try {
      return await Promise.race([
        this.#line(),
        this.#ended.then((how) => this.#fail(how)),
        new Promise((_, reject) => {
          const isLate = () => reject(new AuthServerError(`auth-server is not ready after ${timeout} ms${this.told()}`));
          timer = setTimeout(isLate, timeout);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #line() {
    let line = '';
    this.#child.stdout.setEncoding('utf8');
    for await (const text of this.#child.stdout.iterator({ destroyOnReturn: false })) {
      line += text;
      if (line.endsWith('\n')) return JSON.parse(line);
    }
    return this.#fail(await this.#ended);
  }

  #fail(how) {
    throw new AuthServerError(`auth-server ${how}${this.told()}`);
  }

  /** Lets this process end without a word to the server, which then ends too. */
  release() {
    for (const part of [this.#child, this.#child.stdout, this.#child.stderr]) part.unref();
  }

  /** Whether the server has ended. */
  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What the server has written to standard error, for messages. */
  told() {
    const text = this.#errors.trim();
    return text && `:\n${text}`;
  }

  /** Ends the server and waits for its end. */
  async stop() {
    if (this.#child.pid === undefined) return;
    this.#child.ref();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), GRACE);
    if (!this.hasEnded) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    clearTimeout(kill);
    for (const part of [this.#child.stdout, this.#child.stderr]) part.destroy();
  }
}
