/** A server for the tests of clients of Zulip, Rocket.Chat and Zettelstore. */

export { AuthServer } from './lib/server.js';
export { AuthServerError, ControlError } from './lib/errors.js';
