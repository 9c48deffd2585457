// panva's oidc-provider as an authorization server of its own: a child process of the tests and of the bench.
// The argument is its clients' metadata (RFC 7591) as JSON. The first line out is its issuer. Each line in is a number
// of seconds by which its clock goes ahead, and is answered. It ends with its parent, when its input ends.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

console.info = console.warn = () => {}; // the library's advice about keys and storage, which tests do not need

let ahead = 0;
const systemClock = Date.now;
Date.now = () => systemClock() + ahead * 1000;

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const common = {
  token_endpoint_auth_method: "private_key_jwt",
  grant_types: ["client_credentials"],
  response_types: [],
  redirect_uris: [],
};
const provider = new Provider(issuer, {
  clients: JSON.parse(process.argv[2]).map((client) => ({ ...common, ...client })),
  clientAuthMethods: ["private_key_jwt"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
  },
  // Its own way to fetch refuses loopback addresses, as it should outside of tests.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
});
server.on("request", provider.callback());
console.log(issuer);

for await (const seconds of createInterface({ input: process.stdin })) {
  ahead += Number(seconds);
  console.log(ahead);
}
process.exit();
