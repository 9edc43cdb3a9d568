// npm @rocket.chat/sdk 0.2, its REST half: rocketchat_sdk_old_client.js URL USER PASSWORD [CODE] prints what /me says.
const [url, username, password, code] = process.argv.slice(2);
process.env.ROCKETCHAT_URL = url;
const api = require('rocketchat-sdk-0.2/dist/lib/api');
require('rocketchat-sdk-0.2/dist/lib/log').silence();

(async () => {
	// What it was answered it only writes to the console.
	let answered;
	console.error = (refused) => { answered = refused; };
	try {
		await api.login({ username, password, ...(code && { code }) });
	} catch (refused) {
		console.log(JSON.stringify({ refused: refused.message, error: answered.error }));
		process.exit(1);
	}
	const me = await api.get('me');
	await api.logout();
	console.log(JSON.stringify(me));
	process.exit(0);
})();
