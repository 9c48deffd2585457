// Convenience for the console's lists; every list works without it.
"use strict";

(() => {
  // One checkbox ticks all keys of the page, and shows whether all are ticked.
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

  // The server refused private material, so clear it from the page too.
  document.addEventListener("console:forget", () => {
    const box = document.getElementById("id_q");
    if (box) box.value = "";
  });
})();
