// npm @rocket.chat/ddp-client against a server: ddp_client.js URL USER PASSWORD [CODE] prints who is signed in, how
// a second connection resumes, and the rooms.
globalThis.WebSocket ??= require('ws');
const { createHash } = require('node:crypto');
const { DDPSDK } = require('@rocket.chat/ddp-client');

(async () => {
  const [url, user, password] = process.argv.slice(2);
  const sdk = await DDPSDK.createAndConnect(url);
  try {
    await sdk.account.loginWithPassword(user, createHash('sha256').update(password).digest('hex'));
  } catch (error) {
    console.log(JSON.stringify({ refused: error.error, reason: error.reason, details: error.details }));
    process.exit(1);
  }
  const { uid, user: account } = sdk.account;
  const again = await DDPSDK.createAndConnect(url);
  await again.account.loginWithToken(account.token);
  console.log(JSON.stringify({
    id: uid,
    ends: account.tokenExpires,
    resumed: again.account.uid,
    rooms: await sdk.call('rooms/get'),
  }));
  process.exit(0);
})();
