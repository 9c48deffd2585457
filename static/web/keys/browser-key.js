// Make a key pair in this browser. The private key goes into a file on this machine, and nowhere
// else: no request, no storage and no element of the page contains it. Once it is in its file,
// this page keeps a key that can sign but cannot be read, until somebody leaves the page.
"use strict";

(() => {
  // The iterations are those of OWASP for PBKDF2 with SHA-256.
  const ITERATIONS = 600_000;
  const LEAST_PASSPHRASE = 12;

  const ecdsa = (namedCurve, hash) => ({ make: { name: "ECDSA", namedCurve }, sign: { name: "ECDSA", hash } });
  const plain = (name) => ({ make: { name }, sign: { name } });
  // How WebCrypto makes a key of each algorithm of a portal, and how it signs a JWS with it.
  const WAYS = {
    PS256: {
      make: { name: "RSA-PSS", publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
      sign: { name: "RSA-PSS", saltLength: 32 },
    },
    ES256: ecdsa("P-256", "SHA-256"),
    ES384: ecdsa("P-384", "SHA-384"),
    ES512: ecdsa("P-521", "SHA-512"),
    EdDSA: plain("Ed25519"),
    "ML-DSA-44": plain("ML-DSA-44"),
    "ML-DSA-65": plain("ML-DSA-65"),
    "ML-DSA-87": plain("ML-DSA-87"),
  };

  const subtle = window.isSecureContext ? window.crypto?.subtle : undefined;

  // Resolves to the algorithms that this browser knows. Only trying tells; RSA is slow and old.
  let known;
  const knownHere = () => {
    const tries = Object.entries(WAYS).map(([alg, { make }]) =>
      make.name === "RSA-PSS" ? alg : subtle.generateKey(make, false, ["sign", "verify"]).then(() => alg));
    known ??= Promise.allSettled(tries).then((all) => all.map((each) => each.value).filter(Boolean));
    return known;
  };

  const utf8 = (text) => new TextEncoder().encode(text);
  const base64 = (bytes) => btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
  const base64url = (bytes) => base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const pem = (label, bytes) =>
    `-----BEGIN ${label}-----\n${base64(bytes).match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;

  // DER (X.690 §10): a tag, the length of the content, the content.
  const der = (tag, ...parts) => {
    const content = parts.flatMap((part) => Array.from(new Uint8Array(part)));
    const length = [];
    for (let rest = content.length; rest; rest >>= 8) length.unshift(rest & 0xff);
    const head = content.length < 0x80 ? [content.length] : [0x80 | length.length, ...length];
    return Uint8Array.from([tag, ...head, ...content]);
  };
  const sequence = (...parts) => der(0x30, ...parts);
  const octets = (bytes) => der(0x04, bytes);
  const oid = (hexadecimal) => der(0x06, hexadecimal.match(/../g).map((pair) => parseInt(pair, 16)));
  const NULL = der(0x05);
  const PBES2 = oid("2a864886f70d01050d");
  const PBKDF2 = oid("2a864886f70d01050c");
  const HMAC_SHA256 = oid("2a864886f70d0209");
  const AES256_CBC = oid("60864801650304012a");
  const THE_ITERATIONS = der(0x02, [ITERATIONS >> 16, (ITERATIONS >> 8) & 0xff, ITERATIONS & 0xff]);

  // EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2 and appendix A.4).
  const encrypted = async (pkcs8, passphrase) => {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const iv = crypto.getRandomValues(new Uint8Array(16));
    const secret = await subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
    const key = await subtle.deriveKey(
      { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS },
      secret, { name: "AES-CBC", length: 256 }, false, ["encrypt"],
    );
    const derivation = sequence(PBKDF2, sequence(octets(salt), THE_ITERATIONS, sequence(HMAC_SHA256, NULL)));
    const algorithm = sequence(PBES2, sequence(derivation, sequence(AES256_CBC, octets(iv))));
    return sequence(algorithm, octets(await subtle.encrypt({ name: "AES-CBC", iv }, key, pkcs8)));
  };

  // Letters and digits of any script, which every file system takes.
  const slug = (text) => text.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60);
  const nameOf = (client, label) =>
    ["private_key", slug(client), slug(label), new Date().toISOString().slice(0, 10)].filter(Boolean).join("_") + ".pem";

  // The key pair of this page. Nothing else refers to it.
  let made = null;

  const dropFile = () => {
    if (made?.url) URL.revokeObjectURL(made.url);
    if (made) made.url = null;
  };
  const forget = () => {
    dropFile();
    made = null;
  };

  const makePair = async (alg, bits, passphrase, name) => {
    const { make, sign } = WAYS[alg];
    const pair = await subtle.generateKey({ ...make, modulusLength: bits }, true, ["sign", "verify"]);
    const [pkcs8, spki] = await Promise.all([
      subtle.exportKey("pkcs8", pair.privateKey), subtle.exportKey("spki", pair.publicKey),
    ]);
    // From here on, nothing can read the private key but the file.
    const signer = await subtle.importKey("pkcs8", pkcs8, make, false, ["sign"]);
    const text = passphrase
      ? pem("ENCRYPTED PRIVATE KEY", await encrypted(pkcs8, passphrase)) : pem("PRIVATE KEY", pkcs8);
    const hash = new Uint8Array(await subtle.digest("SHA-256", spki));
    return {
      name, signer, sign,
      publicPem: pem("PUBLIC KEY", spki),
      spki: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      url: URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" })),
    };
  };

  const save = () => {
    const link = document.createElement("a");
    link.href = made.url;
    link.download = made.name;
    link.click();
  };

  const part = (room, name) => room.querySelector(`[data-make="${name}"]`);
  const show = (room, step) => {
    for (const each of ["unable", "choose", "save", "saved"]) part(room, each).hidden = each !== step;
  };
  const tell = (room, text) => {
    part(room, "problem").hidden = !text;
    part(room, "problem").textContent = text;
  };
  const keyForm = () => document.querySelector("form[data-key-form]");
  const isInForm = () => keyForm()?.elements.material.value.trim() === made?.publicPem.trim();

  const render = (room) => {
    const step = made?.url ? "save" : made && isInForm() ? "saved" : "choose";
    tell(room, "");
    show(room, step);
    for (const each of room.querySelectorAll("[data-make-file]")) each.textContent = made?.name ?? "";
    if (step !== "choose") room.open = true;
  };

  const putIntoForm = (text) => {
    const area = keyForm().elements.material;
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const checked = (form) => {
    const [passphrase, again] = form.querySelectorAll("input[type=password]");
    const isShort = passphrase.value && passphrase.value.length < LEAST_PASSPHRASE;
    passphrase.setCustomValidity(isShort ? `Use at least ${LEAST_PASSPHRASE} characters, or none.` : "");
    again.setCustomValidity(passphrase.value === again.value ? "" : "The two passphrases differ.");
    return form.reportValidity();
  };

  const makeAsAsked = async (form) => {
    if (!checked(form)) return;
    const room = form.closest("[data-browser-key]"), button = form.querySelector("button");
    const passphrases = form.querySelectorAll("input[type=password]");
    const kind = form.querySelector("select").value;
    const name = nameOf(room.dataset.client, keyForm().elements.label.value);
    forget();
    button.disabled = true;
    tell(room, "");
    try {
      made = await makePair(kind, Number(room.dataset.bits), passphrases[0].value, name);
    } catch {
      tell(room, "This browser cannot make such a key. Choose another kind, or use the commands.");
      return;
    } finally {
      button.disabled = false;
      for (const each of passphrases) each.value = "";
    }
    save();
    putIntoForm(made.publicPem);
    keyForm().elements.alg.value = kind; // the server's answer to the text says the same
    render(room);
    part(room, "save").focus();
  };

  const ACTIONS = {
    again: save,
    discard: (room) => {
      if (isInForm()) putIntoForm("");
      forget();
      render(room);
      room.querySelector("select").focus();
    },
    saved: (room) => {
      dropFile();
      render(room);
      keyForm().elements.label.focus();
    },
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    // The server then does not lead away from the page that can sign with the key.
    if (form.matches("form[data-key-form]")) form.elements.made_here.value = made && isInForm() ? "1" : "";
    if (form.matches("[data-make=choose]")) {
      event.preventDefault();
      makeAsAsked(form);
    } else if (form.matches("form[data-key-form]") && made?.url && isInForm()) {
      // Without its file, nobody could sign with this key.
      event.preventDefault();
      event.stopImmediatePropagation();
      const room = document.querySelector("[data-browser-key]");
      tell(room, "First save the private key. Without its file, nobody can sign with this key.");
      part(room, "save").focus();
    }
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-make-action]");
    if (button) ACTIONS[button.dataset.makeAction](button.closest("[data-browser-key]"));
  });

  const signed = async (header, claims) => {
    const now = Math.floor(Date.now() / 1000);
    const whole = { ...claims, iat: now, exp: now + 120 };
    const text = [header, whole].map((each) => base64url(utf8(JSON.stringify(each)))).join(".");
    return `${text}.${base64url(await subtle.sign(made.sign, made.signer, utf8(text)))}`;
  };

  // The page that confirms the key has a challenge and a form. Sign the one, and send the other.
  const confirm = async (address) => {
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector("form[data-challenge]");
    if (!form) {
      location.assign(address);
      return;
    }
    const { header, claims } = JSON.parse(form.dataset.challenge);
    form.elements.assertion.value = await signed(header, claims);
    form.hidden = true;
    document.body.append(document.adoptNode(form));
    forget();
    form.submit();
  };

  // The message about the registered key has a link to that page. Put a button after it.
  const offer = (link) => {
    if (link.dataset.confirms !== made.spki || link.dataset.offered) return;
    link.dataset.offered = "";
    const button = document.createElement("button"), room = document.createElement("p");
    button.type = "button";
    button.className = "btn btn-primary btn-small";
    button.textContent = "Confirm now with the key in this page";
    button.addEventListener("click", () => {
      button.disabled = true;
      confirm(link.href).catch(() => location.assign(link.href));
    });
    room.append(button);
    link.parentElement.append(room);
  };

  const prepare = async () => {
    const room = document.querySelector("[data-browser-key]");
    if (subtle && room) {
      const here = await knownHere();
      for (const option of [...room.querySelectorAll("option")]) if (!here.includes(option.value)) option.remove();
      // The portal may allow only what this browser does not know.
      if (room.querySelector("option")) render(room);
    }
    if (made) document.querySelectorAll("a[data-confirms]").forEach(offer);
  };

  document.addEventListener("DOMContentLoaded", prepare);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "inspection") prepare();
  });
  addEventListener("pagehide", forget);
})();
