// Convenience for all pages; every page works without it.
"use strict";

(() => {
  const announce = (text) => {
    const region = document.getElementById("announcement");
    region.textContent = "";
    // A screen reader announces changes only, so clear the text briefly before repeating it.
    setTimeout(() => { region.textContent = text; }, 50);
  };

  const reveal = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      announce("Copying failed. Select the text and copy it yourself.");
      return;
    }
    button.classList.add("is-copied");
    announce("Copied");
    setTimeout(() => button.classList.remove("is-copied"), 2000);
  });

  // Menus are <details>. Escape and a click outside close them.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const tell = (text) => {
    const box = document.createElement("div");
    box.className = "notice notice-error";
    box.textContent = text;
    document.getElementById("messages").replaceChildren(box);
  };
  document.addEventListener("htmx:sendError", () => {
    tell("The portal cannot be reached. Check your connection and try again.");
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    reveal(event.target.parentElement ?? document);
    // The form succeeded. Its message is at the top of the page, so scroll there.
    const { xhr, requestConfig } = event.detail;
    const messages = document.getElementById("messages");
    if (requestConfig?.verb === "post" && xhr.status < 400 && messages.childElementCount) {
      messages.focus({ preventScroll: true });
      messages.scrollIntoView({ block: "center" });
    }
  });
  document.addEventListener("DOMContentLoaded", () => reveal(document));
})();
