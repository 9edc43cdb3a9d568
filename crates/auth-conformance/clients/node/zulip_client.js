// npm zulip-js against a server: zulip_client.js URL EMAIL PASSWORD prints the profile that the key opens.
const zulip = require('zulip-js');

(async () => {
  const [realm, username, password] = process.argv.slice(2);
  const client = await zulip({ realm, username, password });
  if (!client.config.apiKey) {
    // The client doesn't throw on a refusal; its raw call tells why.
    console.log(JSON.stringify(await client.accounts.retrieve()));
    process.exit(1);
  }
  console.log(JSON.stringify(await client.users.me.getProfile()));
})();
