/** What can go wrong. */

/** The server is not found, doesn't start, or has ended. The message has what the server wrote to standard error. */
export class AuthServerError extends Error {
  name = 'AuthServerError';
}

/** A control endpoint refuses a request: `status` is the answer's, `code` the reason in a word. */
export class ControlError extends AuthServerError {
  name = 'ControlError';

  constructor(status, code, title) {
    super(`${title} (${code})`);
    this.status = status;
    this.code = code;
  }
}
