// A real OpenID Connect provider (the npm package `oidc-provider`) for the tests, started by issuer.rs.
//
// Its clients get access tokens that are JWTs by the grant `client_credentials`. The resource that they ask for is a URL whose host is the
// token's audience, and whose query says how it is signed and for how long: https://registry.example.com/?alg=ES256&ttl=300.
// All under /test/ is not the provider: it is how a test turns it, and what CI services have around theirs.
//
// Arguments: where the package lies; the clients' claims by the clients' names, as JSON; how many seconds this machine's clock is ahead of
// the provider's. The first line of output is the origin. It ends with its standard input.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [, , folder, clientsText, behind] = process.argv;
const machineNow = Date.now;
Date.now = () => machineNow() - Number(behind) * 1000;

const { Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const claims = JSON.parse(clientsText);
const SECRET = 'the secret of every client';

process.stdin.on('end', () => process.exit(0)).resume();

const KINDS = [
  ['RS256', 'rsa', { modulusLength: 2048 }],
  ['ES256', 'ec', { namedCurve: 'P-256' }],
  ['EdDSA', 'ed25519', {}],
];
let generation = 0;

function newKeys() {
  generation += 1;
  return KINDS.map(([alg, type, options]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, kid: `${alg}-${generation}`, use: 'sig',
  }));
}

function newProvider(origin, current, earlier) {
  const provider = new Provider(origin, {
    jwks: { keys: [...current, ...earlier] },
    clients: Object.keys(claims).map((name) => ({
      client_id: name,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(ctx, resource) {
          const { hostname, searchParams } = new URL(resource);
          const alg = searchParams.get('alg') ?? 'RS256';
          return {
            scope: '',
            audience: hostname,
            accessTokenFormat: 'jwt',
            accessTokenTTL: Number(searchParams.get('ttl') ?? 600),
            jwt: { sign: { alg, kid: `${alg}-${generation}` } },
          };
        },
      },
    },
    extraTokenClaims: (ctx, token) => claims[token.clientId],
  });
  return provider.callback();
}

async function newToken(origin, client, resource) {
  const form = { grant_type: 'client_credentials', client_id: client, client_secret: SECRET, resource };
  const answer = await fetch(`${origin}/token`, { method: 'POST', body: new URLSearchParams(form) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(body));
  return body.access_token;
}

let keys = newKeys();
let handle;
const asked = {};

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const send = (value) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  try {
    switch (pathname) {
      case '/test/asked':
        return send(asked);
      // New keys sign from now on, and the earlier ones are still published.
      case '/test/rotate': {
        const earlier = keys;
        keys = newKeys();
        handle = newProvider(origin, keys, earlier);
        return send({ generation });
      }
      case '/test/token':
        return send({ token: await newToken(origin, searchParams.get('client'), searchParams.get('resource')) });
      // As GitHub's runners have it: ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which is the client's name here.
      case '/test/actions': {
        const client = (request.headers.authorization ?? '').replace(/^bearer /i, '');
        return send({ value: await newToken(origin, client, `https://${searchParams.get('audience')}/`) });
      }
      default:
        asked[pathname] = (asked[pathname] ?? 0) + 1;
        return handle(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    return send({ error: String(error) });
  }
});

let origin;
server.listen(0, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${server.address().port}`;
  handle = newProvider(origin, keys, []);
  console.log(origin);
});
