// npm zulip-js: zulip_client.js URL EMAIL PASSWORD prints the profile of the user whose key it gets.
const zulip = require('zulip-js');

(async () => {
  const [realm, username, password] = process.argv.slice(2);
  const client = await zulip({ realm, username, password });
  if (!client.config.apiKey) {
    // The client does not throw when the login fails; its raw call returns the reason.
    console.log(JSON.stringify(await client.accounts.retrieve()));
    process.exit(1);
  }
  console.log(JSON.stringify(await client.users.me.getProfile()));
})();
