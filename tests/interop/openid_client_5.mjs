// openid-client 5.7.0, the last that sends [issuer, token endpoint] as audience, gets a token: first as it is, and then
// with the one setting that our explanation names. The argument is {issuer, client_id, jwk, alg} as JSON; one line of
// JSON comes out.

import { Issuer } from "openid-client-5";

const { issuer, client_id, jwk, alg } = JSON.parse(process.argv[2]);
const { Client } = await Issuer.discover(`${issuer}/.well-known/oauth-authorization-server`);
const client = new Client(
  { client_id, token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: alg },
  { keys: [jwk] },
);

async function grant(options) {
  try {
    return await client.grant({ grant_type: "client_credentials" }, options);
  } catch (error) {
    if (!error.error) throw error;
    return { error: error.error, description: error.error_description };
  }
}

const plain = await grant({});
const told = await grant({ clientAssertionPayload: { aud: issuer } });
console.log(JSON.stringify({ plain, told }));
