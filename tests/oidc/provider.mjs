// A real OpenID provider on a loopback port, for the tests of signing in.
//
//   node provider.mjs RS256|ES256|EdDSA
//
// Says `{"issuer": …, "client_id": …}` on its first line. Whoever it is asked for as `login_hint` signs in without a
// question. Reads one word a line: `add` publishes a new key beside the old one and signs with it, `drop` withdraws all
// but the newest, `down` answers nothing but 503, `up` ends that. Each is answered by `ok`. Ends with its input.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

// What the provider says about itself would stand between the answers.
console.info = () => {};

const algorithm = process.argv[2] ?? 'RS256';
const clientId = 'strongroom-app';

async function newKey() {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: algorithm, use: 'sig' };
}

function makeProvider(issuer, keys) {
  return new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback'],
        id_token_signed_response_alg: algorithm,
      },
    ],
    cookies: { keys: ['only for tests'] },
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    features: { devInteractions: { enabled: false } },
    // Everybody has the same address: it must never matter.
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, email: 'same@example.org', email_verified: true }),
    }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    jwks: { keys },
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
  });
}

let keys = [await newKey()];
let down = false;
let provider;

const server = createServer(async (request, response) => {
  if (down) {
    response.writeHead(503).end();
  } else if (request.url.startsWith('/interaction/')) {
    const { params, prompt } = await provider.interactionDetails(request, response);
    // A native app is asked about every time (RFC 8252, section 8.6).
    const answer = prompt.name === 'login' ? { login: { accountId: params.login_hint } } : { consent: {} };
    await provider.interactionFinished(request, response, answer, { mergeWithLastSubmission: true });
  } else {
    await provider.callback()(request, response);
  }
});
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = makeProvider(issuer, keys);
  console.log(JSON.stringify({ issuer, client_id: clientId }));
});

const commands = {
  add: async () => (keys = [await newKey(), ...keys]),
  drop: () => (keys = keys.slice(0, 1)),
  down: () => (down = true),
  up: () => (down = false),
};
for await (const word of createInterface({ input: process.stdin })) {
  await commands[word]();
  provider = makeProvider(provider.issuer, keys);
  console.log('ok');
}
process.exit(0);
