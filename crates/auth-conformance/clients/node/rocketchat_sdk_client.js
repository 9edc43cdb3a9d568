// npm @rocket.chat/sdk (alpha) over REST: rocketchat_sdk_client.js URL USER PASSWORD [CODE] prints the response to /me.
const { default: Api } = require('@rocket.chat/sdk/lib/api/RocketChat');

const [host, username, password, code] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, warning() {}, error() {} };

(async () => {
	const api = new Api({ host, logger: quiet });
	try {
		await api.login({ username, password, ...(code && { code }) });
	} catch (refused) {
		console.log(JSON.stringify({ refused: refused.status, error: refused.data.error }));
		process.exit(1);
	}
	const me = await api.get('me');
	await api.logout();
	console.log(JSON.stringify(me));
	process.exit(0);
})();
