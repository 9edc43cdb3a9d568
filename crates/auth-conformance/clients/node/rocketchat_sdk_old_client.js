// npm @rocket.chat/sdk 0.2 over REST: rocketchat_sdk_old_client.js URL USER PASSWORD [CODE] prints the response to /me.
const [url, username, password, code] = process.argv.slice(2);
process.env.ROCKETCHAT_URL = url;
const api = require('rocketchat-sdk-0.2/dist/lib/api');
require('rocketchat-sdk-0.2/dist/lib/log').silence();

(async () => {
	// The library only writes the response to the console.
	let response;
	console.error = (body) => { response = body; };
	try {
		await api.login({ username, password, ...(code && { code }) });
	} catch (refused) {
		console.log(JSON.stringify({ refused: refused.message, error: response.error }));
		process.exit(1);
	}
	const me = await api.get('me');
	await api.logout();
	console.log(JSON.stringify(me));
	process.exit(0);
})();
