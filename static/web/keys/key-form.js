// The form that adds a key: check its file before sending it. The server checks it again, so
// nothing depends on this script. private-key.js stops private keys in the text.
"use strict";

(() => {
  const MAX_BYTES = 32 * 1024;
  const warning = (form, kind) => form.querySelector(`[data-${kind}-warning]`);
  const fileOf = (form) => form.querySelector("input[type=file]");

  // The text that came from the chosen file. The file itself is not sent then: it has no name.
  const taken = new WeakMap();
  const sendsFile = (form) => {
    taken.delete(form);
    fileOf(form).name = "file";
  };

  const empty = (form) => {
    form.elements.material.value = "";
    fileOf(form).value = "";
    sendsFile(form);
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

  // Until the user writes a label, it is the one that the page suggests, or the name of the file.
  const name = (form, file) => {
    const label = form.elements.label;
    if (![label.dataset.suggested, label.dataset.file].includes(label.value)) return;
    label.value = label.dataset.file = file.name.replace(/\.[^.]*$/, "").slice(0, label.maxLength);
  };

  const take = async (form, file) => {
    if (file.size > MAX_BYTES) return refuseSize(form);
    for (const kind of ["private", "size"]) warning(form, kind).hidden = true;
    const area = form.elements.material;
    sendsFile(form);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (privateKey.inFile(bytes)) return privateKey.stop(form, area, privateKey.containerOf(bytes));
    try {
      area.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      if (area.value) {
        taken.set(form, area.value);
        fileOf(form).removeAttribute("name");
      }
    } catch {
      // A binary file, such as DER. It is sent unchanged.
      area.value = "";
    }
    name(form, file);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const formOf = (event) => event.target.closest?.("form[data-key-form]");

  // In the capturing phase, so that htmx never sees an event whose data must not be sent.
  document.addEventListener("input", (event) => {
    const form = formOf(event);
    if (!form || event.target.name !== "material") return;
    if (taken.has(form) && taken.get(form) !== event.target.value) {
      // The text is no longer that of the file.
      fileOf(form).value = "";
      sendsFile(form);
    }
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
      if (!form || event.target.type !== "file") return;
      // A file is sent only after it was checked.
      event.stopImmediatePropagation();
      if (type === "change" && event.target.files[0]) take(form, event.target.files[0]);
    }, true);
  }

  // A file may be dropped anywhere on the page: beside the field, the browser would open it instead.
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      const form = document.querySelector("form[data-key-form]");
      if (!form || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      form.querySelector("[data-drop]").classList.toggle("is-over", type === "dragover");
      if (type !== "drop") return;
      form.closest("details")?.setAttribute("open", "");
      fileOf(form).files = event.dataTransfer.files;
      fileOf(form).scrollIntoView({ block: "nearest" });
      take(form, event.dataTransfer.files[0]);
    });
  }
})();
