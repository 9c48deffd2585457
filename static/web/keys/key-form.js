// The form that adds a key: check its file before sending it. The server checks it again, so
// nothing depends on this script. private-key.js stops private keys in the text.
"use strict";

(() => {
  const MAX_BYTES = 32 * 1024;
  const warning = (form, kind) => form.querySelector(`[data-${kind}-warning]`);

  const empty = (form) => {
    form.elements.material.value = "";
    form.elements.file.value = "";
    form.querySelector("#inspection > .notice")?.remove();
    for (const kind of ["private", "size"]) warning(form, kind).hidden = true;
  };

  const refuseSize = (form) => {
    empty(form);
    warning(form, "size").hidden = false;
    warning(form, "size").scrollIntoView({ block: "nearest" });
    form.elements.material.focus({ preventScroll: true });
  };

  document.addEventListener("private-key:stopped", (event) => {
    if (!event.target.matches("form[data-key-form]")) return;
    empty(event.target);
    warning(event.target, "private").hidden = false;
  });

  const take = async (form, file) => {
    if (file.size > MAX_BYTES) return refuseSize(form);
    for (const kind of ["private", "size"]) warning(form, kind).hidden = true;
    const area = form.elements.material;
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (privateKey.inFile(bytes)) return privateKey.stop(form, area, privateKey.containerOf(bytes));
    try {
      area.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      form.elements.file.value = "";
    } catch {
      // A binary file, such as DER. It stays chosen and is sent unchanged.
      area.value = "";
    }
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const formOf = (event) => event.target.closest?.("form[data-key-form]");

  // In the capturing phase, so that htmx never sees an event whose data must not be sent.
  document.addEventListener("input", (event) => {
    const form = formOf(event);
    if (!form || event.target.name !== "material") return;
    if (event.target.value.length > MAX_BYTES) {
      event.stopImmediatePropagation();
      refuseSize(form);
    } else if (event.target.value) {
      warning(form, "size").hidden = true;
    } else if (form.querySelector("[data-private-warning]:not([hidden]), [data-size-warning]:not([hidden])")) {
      // The field is empty because we cleared it, so there is nothing to send to the server.
      event.stopImmediatePropagation();
    }
  }, true);

  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      const form = formOf(event);
      if (!form || event.target.name !== "file") return;
      // A file is sent only after it was checked.
      event.stopImmediatePropagation();
      if (type === "change" && event.target.files[0]) take(form, event.target.files[0]);
    }, true);
  }

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
