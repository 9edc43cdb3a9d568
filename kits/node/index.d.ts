/** A server for the tests of clients of Zulip, Rocket.Chat and Zettelstore. */

/// <reference lib="esnext.disposable" />

/** A line of the server's import format: a user, or a realm where `kind` says so. */
export interface ImportLine {
  kind?: 'user' | 'realm';
  realm?: string;
  username?: string;
  email?: string;
  email_verified?: boolean;
  full_name?: string;
  password?: string;
  totp_secret?: string;
  [name: string]: unknown;
}

/** A path to import lines (JSON, one to a line), or the lines themselves. */
export type Seed = string | URL | Iterable<ImportLine>;

export interface Options {
  /** The users; the demo users where it is left out. */
  seed?: Seed;
  /** The path of the program; else `AUTH_SERVER_BIN`, the program in this package, or the one in PATH. */
  binary?: string;
  /** Whether the rate limits of a real server hold. */
  limits?: boolean;
  /** Milliseconds until the server must be ready. */
  timeout?: number;
}

/** Which mails are wanted: all that is named holds of them. */
export interface Wanted {
  to?: string;
  /** Words in the subject. */
  subject?: string;
  /** Later than the mail of this number. */
  after?: number;
}

/** A mail. Mails are numbered from 1 since the start or the last reset. */
export interface Mail {
  number: number;
  to: string;
  subject: string;
  language: string;
  text: string;
  html: string;
  links: string[];
  codes: string[];
}

/** The server is not found, doesn't start, or has ended. The message has what the server wrote to standard error. */
export class AuthServerError extends Error {}

/** A control endpoint refuses a request. */
export class ControlError extends AuthServerError {
  /** The status of the answer. */
  readonly status: number;
  /** The reason in a word. */
  readonly code: string;
}

/** A running server. It ends with this process, also where this one is killed. */
export class AuthServer {
  private constructor();
  /** Starts a server, and waits until it is ready. */
  static start(options?: Options): Promise<AuthServer>;
  /** Ends the server and waits for its end. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /** The address of every protocol, without a path. */
  readonly url: string;
  readonly zulipUrl: string;
  readonly rocketchatUrl: string;
  readonly zettelstoreUrl: string;
  /** The address of the pages. Browsers must call it by this name. */
  readonly webUrl: string;
  /** The control endpoints, and the token that they ask for. */
  readonly control: { readonly url: string; readonly token: string };
  readonly pid: number;
  readonly version: string;
  /** The users, as in their import lines: passwords too. */
  readonly users: ImportLine[];
  /** The time by the server's clock. */
  now(): Promise<Date>;
  /** Brings the server back to its seed: no token, limit, mail or added user is left, and the clock is right. */
  reset(): Promise<void>;
  /** Moves the server's clock on by seconds. Gives the new time. */
  advance(seconds: number): Promise<Date>;
  /** Adds users, until the next reset. */
  addUsers(lines: Iterable<ImportLine>): Promise<void>;
  /** The mails that were sent, the first one first. */
  mails(wanted?: Wanted): Promise<Mail[]>;
  /** The first such mail, which may come within so many milliseconds. */
  waitForMail(wanted?: Wanted & { timeout?: number }): Promise<Mail>;
  /**
   * The code that the authenticator app of a user shows at this moment, or the latest that was mailed to one without. The server
   * takes a code of an app once: `advance(30)` leads to the next one.
   */
  code(user: string): Promise<string>;
}
