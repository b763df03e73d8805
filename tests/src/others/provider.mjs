// npm's oidc-provider, unmodified, under the addresses that Microsoft Entra has. All of it is configuration, but for
// three lines that move a request to where the package expects it; they are marked.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { Provider } = await import(pathToFileURL(`${settings.package}/lib/index.js`).href);
const base = `/${settings.tenant}/oauth2/v2.0`;
const resource = '499b84ac-1321-427f-aa17-267ca6975798';

// What Entra puts into an id_token, beside what OpenID Connect asks for.
const about = (login) => ({
  sub: login,
  ...(settings.bare ? {} : {
    preferred_username: login,
    oid: createHash('sha256').update(login).digest('hex').slice(0, 32),
    tid: settings.tenant,
  }),
});

const configuration = {
  clients: settings.client_ids.map((client_id) => ({
    client_id,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: ['http://localhost'],
  })),
  scopes: ['openid', 'offline_access', `${resource}/vso.pats`, `${resource}/vso.pats_manage`, `${resource}/.default`],
  claims: { openid: ['sub'], profile: ['preferred_username', 'oid', 'tid'] },
  conformIdTokenClaims: false,
  findAccount: (_, login) => ({ accountId: login, claims: () => about(login) }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: () => false,
  ttl: { AccessToken: settings.token_seconds },
  features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
  cookies: { keys: settings.client_ids },
  routes: {
    authorization: `${base}/authorize`,
    token: `${base}/token`,
    device_authorization: `${base}/devicecode`,
    end_session: `${base}/logout`,
    userinfo: `${base}/userinfo`,
    revocation: `${base}/revoke`,
    jwks: `/${settings.tenant}/discovery/v2.0/keys`,
    code_verification: '/devicelogin',
  },
};

const server = createServer({ cert: readFileSync(settings.certificate), key: readFileSync(settings.key) });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();
const provider = new Provider(`https://localhost:${port}/${settings.tenant}/v2.0`, configuration);

provider.use(async (ctx, next) => {
  // Discovery stands where Entra has it. (1)
  if (ctx.path === `/${settings.tenant}/v2.0/.well-known/openid-configuration`) ctx.path = ctx.path.slice(settings.tenant.length + 6);
  // Azure DevOps takes a token as the password of Basic, where the package only knows Bearer. (2)
  const basic = /^basic (.*)$/i.exec(ctx.get('authorization'));
  const password = basic && Buffer.from(basic[1], 'base64').toString().split(':').slice(1).join(':');
  // A key that nginx made of a token is that token again. (3)
  if (basic) ctx.req.headers.authorization = `Bearer ${password.replace(/^key\.(.*)(.)$/, '$2$1')}`;
  await next();
});

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const asked = (ctx) => ({ client: ctx.oidc.client?.clientId, grant: ctx.oidc.params?.grant_type, secret: 'client_secret' in (ctx.oidc.body ?? {}) });
provider.on('authorization.success', (ctx) => say({
  event: 'authorized', challenge: ctx.oidc.params?.code_challenge_method, redirect: ctx.oidc.params?.redirect_uri,
}));
provider.on('grant.success', (ctx) => say({ event: 'granted', ...asked(ctx) }));
provider.on('grant.error', (ctx, error) => say({ event: 'refused', ...asked(ctx), error: error.error, why: error.error_description }));
provider.on('revocation.error', (_, error) => say({ event: 'not revoked', error: error.error }));
provider.on('access_token.destroyed', () => say({ event: 'revoked' }));
provider.on('server_error', (_, error) => say({ event: 'broken', error: String(error.stack) }));

server.on('request', provider.callback());
say({ event: 'listening', port });
// Whoever started this keeps standard input open, and writes a line to it to learn that all of this is said.
createInterface({ input: process.stdin }).on('line', (mark) => say({ mark })).on('close', () => process.exit());
