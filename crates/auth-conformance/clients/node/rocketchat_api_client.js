// npm rocketchat-api (not by Rocket.Chat): rocketchat_api_client.js URL USER PASSWORD prints the response to /me.
const RocketChatClient = require('rocketchat-api');

const [url, user, password] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const client = new RocketChatClient({ host: hostname, port, scheme: 'http' });

client.authentication.login(user, password, (refused) => {
	if (refused) {
		console.log(JSON.stringify({ refused: refused.message }));
		process.exit(1);
	}
	client.authentication.me((error, me) => {
		if (error) throw error;
		client.authentication.logout((failed) => {
			if (failed) throw failed;
			console.log(JSON.stringify(me));
			// The library keeps a WebSocket open that this program does not need.
			process.exit(0);
		});
	});
});
