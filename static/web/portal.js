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

  // Times are in UTC for everybody; the hint has the time of the user's own clock.
  const local = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "long" });
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      time.dataset.local = "";
      time.title = [time.title, `Your time: ${local.format(new Date(time.dateTime))}`].filter(Boolean).join("\n");
    }
  };

  // A link to a folded form opens it. Browsers do that themselves only when they scroll there.
  const openTarget = () => {
    const folded = document.getElementById(location.hash.slice(1))?.closest("details");
    if (folded) folded.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();

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

  // An htmx request that fails: the error appears beside what was pressed, which keeps its input.
  const pressed = (config) => config.triggeringEvent?.submitter ?? config.elt;
  const isPress = (config) => ["submit", "click"].includes(config.triggeringEvent?.type);

  const clearErrors = () => document.querySelectorAll("[data-request-error]").forEach((each) => each.remove());

  const openError = (config) => {
    clearErrors();
    const box = document.createElement("div");
    box.dataset.requestError = "";
    box.tabIndex = -1;
    box.setAttribute("role", "alert");
    const element = pressed(config);
    if (element.matches("form")) element.append(box);
    else (element.closest(".actions, nav, .search-row, .with-button, .role-form") ?? element).after(box);
    return box;
  };

  const showError = (box, config) => {
    const again = box.querySelector("[data-again]");
    const name = pressed(config).matches("button, a") && pressed(config).textContent.trim();
    if (again && name) again.textContent = `press “${name}” again`;
    box.scrollIntoView({ block: "nearest" });
    if (isPress(config)) box.focus({ preventScroll: true });
  };

  const tell = (config, text) => {
    const box = openError(config), notice = document.createElement("div"), time = new Date().toISOString();
    notice.className = "notice notice-error";
    notice.append(`${text} If this continues, give an admin of this portal this time: ${time}.`);
    box.append(notice);
    showError(box, config);
  };

  const OF_PROXY = {
    413: "The request is larger than this portal accepts, so it was not read.",
    429: "Too many requests. Wait a few seconds, then try again.",
  };

  document.addEventListener("htmx:beforeRequest", clearErrors);
  document.addEventListener("htmx:sendError", (event) => {
    tell(event.detail.requestConfig, "The portal cannot be reached, so this may not have been saved. Check your connection and try again.");
  });

  // Signing in, also in another tab, changes the CSRF token: take the new one and send once more.
  const sentAgain = new WeakSet();
  const sendAgain = (xhr, { elt, triggeringEvent }) => {
    const token = xhr.getResponseHeader("X-CSRFToken");
    if (!token) return false;
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
    if (sentAgain.has(elt)) return false;
    sentAgain.add(elt);
    // After this request has ended, because htmx runs one at a time for each element.
    elt.addEventListener("htmx:afterRequest", () => setTimeout(() => {
      if (elt.matches("form")) elt.requestSubmit(triggeringEvent?.submitter);
      else htmx.trigger(elt, triggeringEvent.type);
    }), { once: true });
    return true;
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status !== 403) sentAgain.delete(requestConfig.elt);
    if (xhr.status < 400) return;
    event.detail.isError = false; // shown here
    const isNotice = xhr.getResponseHeader("Portal-Notice") === "error";
    if (isNotice && !sendAgain(xhr, requestConfig)) {
      event.detail.target = openError(requestConfig);
      event.detail.swapOverride = "innerHTML";
      event.detail.shouldSwap = true;
    } else if (isNotice || /<html/i.test(xhr.responseText)) {
      event.detail.shouldSwap = false;
      if (!isNotice) tell(requestConfig, OF_PROXY[xhr.status] ?? `The portal did not answer (status ${xhr.status}), so this may not have been saved. Try again.`);
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.matches("[data-request-error]")) showError(event.target, event.detail.requestConfig);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const changed = event.target.parentElement ?? document;
    reveal(changed);
    localise(changed);
    // The form succeeded. Its message is at the top of the page, so scroll there.
    const { xhr, requestConfig } = event.detail;
    const messages = document.getElementById("messages");
    if (requestConfig?.verb === "post" && xhr.status < 400 && messages.childElementCount) {
      messages.focus({ preventScroll: true });
      messages.scrollIntoView({ block: "center" });
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    reveal(document);
    localise(document);
  });
})();
