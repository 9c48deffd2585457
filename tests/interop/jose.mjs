// Node's jose as a child process of the tests: one JSON request a line in, one JSON answer a line out.
// It ends with its parent, when its input ends.

import { createInterface } from "node:readline";
import { SignJWT, createRemoteJWKSet, importPKCS8, jwtVerify } from "jose";

const sets = new Map();

/** One remote set for each name, so that a test decides what shares a cache. */
function remoteSet({ name, url, options }) {
  if (!sets.has(name)) sets.set(name, createRemoteJWKSet(new URL(url), options));
  return sets.get(name);
}

const verbs = {
  async sign({ pem, alg, kid, claims }) {
    const key = await importPKCS8(pem, alg);
    return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
  },
  async verify({ token, algorithms, ...set }) {
    const { payload } = await jwtVerify(token, remoteSet(set), { algorithms });
    return payload;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await verbs[verb](request) };
  } catch (error) {
    answer = { error: error.code ?? error.name, message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
