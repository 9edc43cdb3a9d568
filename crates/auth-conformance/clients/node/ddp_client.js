// npm @rocket.chat/ddp-client: ddp_client.js URL USER PASSWORD [CODE] prints the user and its name, the user whose session a second
// connection resumes, the rooms, and the state of the user's second factor.
globalThis.WebSocket ??= require('ws');
const { createHash } = require('node:crypto');
const { DDPSDK } = require('@rocket.chat/ddp-client');

(async () => {
  const [url, user, password, code] = process.argv.slice(2);
  const sdk = await DDPSDK.createAndConnect(url);
  const digest = createHash('sha256').update(password).digest('hex');
  try {
    if (code) {
      // The library has no call for codes, so that clients send the method call themselves.
      const login = { user: { username: user }, password: { digest, algorithm: 'sha-256' } };
      const { token } = await sdk.call('login', { totp: { code, login } });
      await sdk.account.loginWithToken(token);
    } else {
      await sdk.account.loginWithPassword(user, digest);
    }
  } catch (error) {
    console.log(JSON.stringify({ refused: error.error, reason: error.reason, details: error.details }));
    process.exit(1);
  }
  const { uid, user: account } = sdk.account;
  const again = await DDPSDK.createAndConnect(url);
  await again.account.loginWithToken(account.token);
  console.log(JSON.stringify({
    id: uid,
    // The library has it from the collection of users.
    name: account.username,
    ends: account.tokenExpires,
    resumed: again.account.uid,
    rooms: await sdk.call('rooms/get'),
    device: await sdk.call('2fa:checkCodesRemaining').catch(({ error }) => error),
  }));
  process.exit(0);
})();
