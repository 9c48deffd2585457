// On every page, stop text that looks like a private key before it is sent. The server checks again
// and detects more, as it also calculates. So nothing depends on this script.
"use strict";

(() => {
  const MEMBERS = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]);
  const MAX_LENGTH = 64 * 1024;
  const HEAD_BYTES = 96;

  const LABEL = /(BEGIN|END)[A-Z0-9]{0,24}?PRIVATEKEY(?!JWT)|PUTTYUSERKEYFILE|AGESECRETKEY/;
  const MEMBER = /(?<![A-Za-z0-9_-])["']?(?:d|p|q|dp|dq|qi|oth|k|priv)["']?\s*:\s*(?=(\S.{0,8}))/gs;
  const NOTHING = /^(null|None|undefined)\b|^\[\s*\]|^""|^''/;
  const DOTNET_JSON = /["'](d|p|q|dp|dq|inverseq)["']\s*:\s*["'][A-Za-z0-9+/_-]/i;
  const DOTNET_XML = /<(?:[A-Za-z0-9_.-]{1,20}:)?(D|P|Q|DP|DQ|InverseQ)>\s*[A-Za-z0-9+/]/;
  const DUMP = /private-key:|privateExponent:|priv:\s*[0-9a-f]{2}:/i;

  // Bytes written as text, as in portal/core/private/spelling.py: the beginning, and the whole.
  const LETTER = "[A-Za-z0-9+/_]";
  const REST = "[0-9A-Fa-f][\\s:,;]{0,3}(?:0x|\\\\x)?";
  const PAIR = `[0-9A-Fa-f]${REST}`;
  const NUMBER = "-?[0-9]{1,3}\\s*,\\s*";
  const base64 = (text) => {
    const letters = text.replace(/\s/g, "").replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(letters.slice(0, letters.length & ~3)), (letter) => letter.charCodeAt(0));
  };
  const hexadecimal = (text) => {
    const digits = text.replace(/0x|\\x|[\s:,;]/g, "");
    return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  };
  const numbers = (text) => Uint8Array.from(text.match(/-?[0-9]{1,3}/g) ?? [], (number) => number & 0xff);
  const SPELLINGS = [
    [
      new RegExp(`(?<!${LETTER})(?:${LETTER}(?=[A-Za-z0-9+/_-]{23})|M(?=[A-H]\\s*${LETTER}\\s*[Cw]|I))`, "g"),
      /[A-Za-z0-9+/_\s]*(?:-(?!----)[A-Za-z0-9+/_\s]*)*/y,
      base64,
    ],
    [new RegExp(`(?<![0-9A-Fa-f])(?=(?:${PAIR}){24})`, "g"), new RegExp(`(?:${PAIR})*`, "y"), hexadecimal],
    [new RegExp(`[\\[({](?=\\s*(?:${NUMBER}){31})`, "g"), /.[-0-9,\s]*/sy, numbers],
  ];

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  // RFC 8017, RFC 5958, RFC 5915, RFC 7292: private keys begin with a small version number, or with
  // the identifier of a password-based encryption; public keys with a SEQUENCE or a long modulus.
  const LENGTH = "(?:[0-7].|8[0-9]|81..|82....|83......)";
  const DER = new RegExp(
    `^30${LENGTH}(?:` +
      `02010[01]028[12]` + // PKCS#1, or DSA
      `|02010104` + // SEC 1
      `|02010[01]30${LENGTH}06..(?!2a8648ce3d01)` + // PKCS#8, and not the definition of a curve
      `|02010330${LENGTH}06092a864886f70d0107` + // PKCS#12
      `|30${LENGTH}06..2a864886f70d01(?:05|0c01)` + // encrypted PKCS#8
      `)`,
  );
  const PKCS12 = new RegExp(`^30${LENGTH}02010330`);
  // OpenSSH; JKS, JCEKS; CryptoAPI, .pvk; CNG: RSA2, RSA3, ECS2 to ECS6, ECK2 to ECK6, ECDV, ECKV
  const MAGIC = /^(6f70656e7373682d6b65792d7631|feedfeed|cececece|07020000[0-9a-f]{8}(52534132|4453533[24])|1ef1b5b0|5253413[23]....0000|4543(53|4b)3[246]..000000|4543(44|4b)56..000000)/;
  const isPrivate = (bytes) => {
    const head = hex(bytes.subarray(0, HEAD_BYTES));
    return DER.test(head) || MAGIC.test(head);
  };

  const asText = (bytes) => new TextDecoder("latin1").decode(bytes);
  const isText = (bytes) => /^\s*(-----BEGIN|PuTTY-|[{[<][\s"'{?!A-Za-z])/.test(asText(bytes.subarray(0, HEAD_BYTES)));

  function* bodies(text) {
    for (const [start, body, decode] of SPELLINGS) {
      start.lastIndex = 0;
      for (let found = start.exec(text); found; found = start.exec(text)) {
        body.lastIndex = found.index;
        const whole = body.exec(text)?.[0] ?? "";
        const bytes = decode(whole.slice(0, 6 * HEAD_BYTES));
        if (isText(bytes)) yield decode(whole);
        else if (isPrivate(bytes)) yield bytes;
        else if (decode === base64) continue;
        start.lastIndex = Math.max(start.lastIndex + 1, found.index + whole.length);
      }
    }
  }

  const holdsPrivateMember = (value) =>
    value !== null && typeof value === "object" &&
    Object.entries(value).some(([name, inner]) =>
      ("kty" in value && MEMBERS.has(name) && Boolean(inner) && String(inner) !== "") || holdsPrivateMember(inner));

  const isPrivateText = (text) => {
    if (LABEL.test(text.toUpperCase().replace(/[^A-Z0-9]/g, "")) || DUMP.test(text)) return true;
    if (text.includes("odulus") && (DOTNET_JSON.test(text) || DOTNET_XML.test(text))) return true;
    if (text.includes("kty") && [...text.matchAll(MEMBER)].some((found) => !NOTHING.test(found[1]))) return true;
    try {
      return holdsPrivateMember(JSON.parse(text));
    } catch {
      return false;
    }
  };

  const inText = (given) => {
    const text = given.slice(0, MAX_LENGTH).replace(/\0/g, "")
      .replace(/\\r/g, "").replace(/\\n/g, "\n").replace(/\\(["/])/g, "$1")
      .replace(/\\u00([2-7][0-9A-Fa-f])/g, (_whole, digits) => String.fromCharCode(parseInt(digits, 16)));
    if (isPrivateText(text)) return true;
    for (const bytes of bodies(text)) {
      if (isPrivate(bytes)) return true;
      const inner = asText(bytes);
      if (isPrivateText(inner) || [...bodies(inner)].some(isPrivate)) return true;
    }
    return false;
  };

  const inFile = (bytes) => isPrivate(bytes) || inText(asText(bytes));

  // The container decides which command extracts the public key.
  const containerOf = (bytes) => {
    const head = hex(bytes.subarray(0, HEAD_BYTES));
    if (head.startsWith("feedfeed") || head.startsWith("cececece")) return "java";
    if (PKCS12.test(head)) return "pkcs12";
    return /^\s*-----BEGIN OPENSSH PRIVATE KEY/.test(asText(bytes.subarray(0, HEAD_BYTES))) ? "openssh" : "any";
  };

  const FIELDS = "textarea, input[type=text], input[type=search], input[type=email], input[type=url]";

  const notice = () => {
    const box = document.createElement("div");
    box.className = "notice notice-error";
    box.dataset.privateWarning = "";
    box.textContent =
      "This is a private key. It was not sent. The field was cleared, and the key has not left your machine.";
    document.getElementById("messages").replaceChildren(box);
    return box;
  };

  const stopped = new WeakMap(); // the warning of each field that was emptied
  const held = new WeakMap(); // the text of a field, if its warning offers to send it

  const stop = (form, field, container = containerOf(new TextEncoder().encode(field.value))) => {
    const warning = form.querySelector("[data-private-warning]") ?? notice();
    const send = warning.querySelector("[data-send-private]");
    if (send) held.set(send, [field, field.value]);
    field.value = "";
    field.focus({ preventScroll: true });
    stopped.set(field, warning);
    warning.hidden = false;
    warning.scrollIntoView({ block: "nearest" });
    for (const command of warning.querySelectorAll("[data-container]")) {
      command.hidden = command.dataset.container !== container;
    }
    form.dispatchEvent(new CustomEvent("private-key:stopped", { bubbles: true }));
  };

  // In the capturing phase, so that htmx never sees an event whose data must not be sent.
  for (const type of ["input", "change", "submit"]) {
    document.addEventListener(type, (event) => {
      const form = event.target.closest?.("form");
      if (!form) return;
      const fields = type === "submit" ? [...form.querySelectorAll(FIELDS)] : [event.target];
      for (const field of fields.filter((each) => each.matches(FIELDS))) {
        if (inText(field.value)) {
          event.preventDefault();
          event.stopImmediatePropagation();
          stop(form, field);
        } else if (field.value && stopped.has(field)) {
          stopped.get(field).hidden = true;
          held.delete(stopped.get(field).querySelector("[data-send-private]"));
        }
      }
    }, true);
  }

  // Sends a private key only for this button, without the check above: submit() fires no event.
  document.addEventListener("click", (event) => {
    const send = event.target.closest("[data-send-private]");
    if (!send || !held.has(send)) return;
    const [field, text] = held.get(send);
    held.delete(send);
    field.value = text;
    send.form.submit();
    field.value = "";
  });

  window.privateKey = { inText, inFile, containerOf, stop };
})();
