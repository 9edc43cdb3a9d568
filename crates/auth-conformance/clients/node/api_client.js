// npm @rocket.chat/api-client: api_client.js URL USER PASSWORD [CODE CODE] prints the response to /me. With codes of a
// second factor it also makes a personal access token, which needs the second code, and uses that token.
const { RestClient } = require('@rocket.chat/api-client');

const [baseUrl, user, password, code, another] = process.argv.slice(2);

const me = (credentials) => new RestClient({ baseUrl, credentials }).get('/v1/me');

(async () => {
	const client = new RestClient({ baseUrl });
	let login;
	try {
		login = await client.post('/v1/login', { user, password, ...(code && { code }) });
	} catch (response) {
		console.log(JSON.stringify({ refused: response.status, error: (await response.json()).error }));
		process.exit(1);
	}
	const credentials = { 'X-User-Id': login.data.userId, 'X-Auth-Token': login.data.authToken };
	client.setCredentials(credentials);
	let token = credentials['X-Auth-Token'];
	const asked = [];
	if (another) {
		client.handleTwoFactorChallenge(async (challenge) => {
			asked.push(challenge.method);
			return another;
		});
		({ token } = await client.post('/v1/users.generatePersonalAccessToken', { tokenName: 'bot' }));
	}
	const profile = await me({ ...credentials, 'X-Auth-Token': token });
	await client.post('/v1/logout', {});
	console.log(JSON.stringify({ ...profile, asked }));
})();
