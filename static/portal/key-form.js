// The form that adds a key. What looks private is stopped here, before anything is sent; the server
// looks again, so nothing depends on this script.
"use strict";

(() => {
  const MAX_BYTES = 32 * 1024;
  const PRIVATE_MEMBERS = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]);

  const holdsPrivateMember = (value) =>
    value !== null && typeof value === "object" &&
    Object.entries(value).some(([name, inner]) =>
      ("kty" in value && PRIVATE_MEMBERS.has(name)) || holdsPrivateMember(inner));

  // RFC 8017, RFC 5958, RFC 5915, RFC 7292: private keys begin with a small version number, or with
  // the identifier of a password-based encryption; public keys with a SEQUENCE or a long modulus.
  const isPrivateDer = (bytes) => {
    if (bytes[0] !== 0x30) return false;
    const rest = bytes.subarray(bytes[1] < 0x80 ? 2 : 2 + (bytes[1] & 0x7f));
    if (rest[0] === 0x02 && rest[1] === 0x01 && rest[2] <= 3) return true;
    const hex = Array.from(rest.subarray(0, 20), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return /^30[0-9a-f]{2,6}?06[0-9a-f]{2}2a864886f70d01(05|0c01)/.test(hex);
  };

  const looksPrivate = (text) => {
    const letters = text.toUpperCase().replace(/[^A-Z0-9]/g, "");
    if (/(BEGIN|END)[A-Z0-9]{0,24}?PRIVATEKEY|PUTTYUSERKEYFILE|AGESECRETKEY/.test(letters)) return true;
    if (/<(D|P|Q|DP|DQ|InverseQ)>/.test(text)) return true;
    try {
      if (holdsPrivateMember(JSON.parse(text))) return true;
    } catch {
      if (/"kty"/.test(text) && /"(d|p|q|dp|dq|qi|k|priv)"\s*:/.test(text)) return true;
    }
    const body = text.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/_-]{40,}={0,2}$/.test(body)) return false;
    const start = body.slice(0, 64).replace(/-/g, "+").replace(/_/g, "/").slice(0, body.length & ~3);
    try {
      return isPrivateDer(Uint8Array.from(atob(start.slice(0, start.length & ~3)), (c) => c.charCodeAt(0)));
    } catch {
      return false;
    }
  };

  const isPrivateFile = (bytes, text) =>
    isPrivateDer(bytes) ||
    (bytes[0] === 0xfe && bytes[1] === 0xed && bytes[2] === 0xfe && bytes[3] === 0xed) ||
    looksPrivate(text);

  const warn = (form, kind) => {
    for (const name of ["private", "size"]) {
      form.querySelector(`[data-${name}-warning]`).hidden = name !== kind;
    }
    if (kind) form.querySelector(`[data-${kind}-warning]`).scrollIntoView({ block: "nearest" });
  };

  const refuse = (form, kind) => {
    form.elements.material.value = "";
    form.elements.file.value = "";
    form.querySelector("#sight > .notice")?.remove();
    warn(form, kind);
    form.elements.material.focus({ preventScroll: true });
  };

  const take = async (form, file) => {
    warn(form, null);
    if (file.size > MAX_BYTES) return refuse(form, "size");
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPrivateFile(bytes, new TextDecoder("latin1").decode(bytes))) return refuse(form, "private");
    const area = form.elements.material;
    try {
      area.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      form.elements.file.value = "";
    } catch {
      // Not a text. The file stays chosen, and the server says what it is and how to convert it.
      area.value = "";
    }
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const formOf = (event) => event.target.closest?.("form[data-key-form]");

  // In the capturing phase, so that htmx never hears of what must not be sent.
  document.addEventListener("input", (event) => {
    const form = formOf(event);
    if (!form || event.target.name !== "material") return;
    if (looksPrivate(event.target.value)) {
      event.stopImmediatePropagation();
      refuse(form, "private");
    } else if (event.target.value.length > MAX_BYTES) {
      event.stopImmediatePropagation();
      refuse(form, "size");
    } else if (event.target.value) {
      warn(form, null);
    } else if (form.querySelector("[data-private-warning]:not([hidden]), [data-size-warning]:not([hidden])")) {
      // The field is empty because we emptied it: there is nothing to ask the server about.
      event.stopImmediatePropagation();
    }
  }, true);

  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      const form = formOf(event);
      if (!form || event.target.name !== "file") return;
      // A file is sent only once it has been looked at.
      event.stopImmediatePropagation();
      if (type === "change" && event.target.files[0]) take(form, event.target.files[0]);
    }, true);
  }

  document.addEventListener("submit", (event) => {
    const form = formOf(event);
    if (!form || !looksPrivate(form.elements.material.value)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    refuse(form, "private");
  }, true);

  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      const area = event.target.closest?.("[data-drop]");
      if (!area || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      area.classList.toggle("is-over", type === "dragover");
      if (type !== "drop") return;
      const form = area.closest("form");
      form.elements.file.files = event.dataTransfer.files;
      take(form, event.dataTransfer.files[0]);
    });
  }
})();
