// Comfort for the console's lists; every list works without it.
"use strict";

(() => {
  // Tick all keys of the page at once, and follow when they are ticked one by one.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-ticks]");
    if (!form) return;
    const all = form.querySelector("[data-tick-all]");
    const each = [...form.querySelectorAll("input[name=key]")];
    if (event.target === all) for (const box of each) box.checked = all.checked;
    const ticked = each.filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === each.length;
    all.indeterminate = ticked > 0 && ticked < each.length;
  });

  // What is clearly a private key is never sent. The server looks again and knows many more forms.
  const looksPrivate = (text) =>
    /PRIVATEKEY|PUTTYUSERKEYFILE/.test(text.toUpperCase().replace(/[^A-Z]/g, "")) ||
    (/"kty"\s*:/.test(text) && /"(d|k|priv)"\s*:/.test(text));

  // In the capturing phase, so that htmx does not hear of it.
  for (const type of ["input", "change", "submit"]) {
    document.addEventListener(type, (event) => {
      const box = event.target.closest?.("form")?.querySelector("[data-never-private]");
      if (!box) return;
      const warning = document.getElementById("private-warning");
      if (looksPrivate(box.value)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        box.value = "";
        warning.hidden = false;
      } else if (box.value) {
        warning.hidden = true;
      }
    }, true);
  }

  // The server has refused something private: it leaves the page, too.
  document.addEventListener("console:forget", () => {
    const box = document.getElementById("id_q");
    if (box) box.value = "";
  });
})();
