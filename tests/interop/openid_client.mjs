// panva's openid-client as a client of the portal: finds the endpoints by its metadata, gets a token, looks at it, takes
// it back, and looks again. The argument is {issuer, client_id, pem, alg, kid} as JSON; one line of JSON comes out.

import { importPKCS8 } from "jose";
import * as oauth from "openid-client";

const { issuer, client_id, pem, alg, kid } = JSON.parse(process.argv[2]);
const key = await importPKCS8(pem, alg);
const configuration = await oauth.discovery(new URL(issuer), client_id, undefined, oauth.PrivateKeyJwt({ key, kid }), {
  algorithm: "oauth2",
  execute: [oauth.allowInsecureRequests], // the tests' server speaks http, on loopback
});

try {
  const tokens = await oauth.clientCredentialsGrant(configuration, { scope: "read" });
  const before = await oauth.tokenIntrospection(configuration, tokens.access_token);
  await oauth.tokenRevocation(configuration, tokens.access_token);
  const after = await oauth.tokenIntrospection(configuration, tokens.access_token);
  console.log(JSON.stringify({ tokens, before, after }));
} catch (error) {
  if (!error.error) throw error;
  console.log(JSON.stringify({ status: error.status, error: error.error, description: error.error_description }));
}
