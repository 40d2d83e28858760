// Everything works without this script. It keeps open pages up to date and writes times in the reader's zone.
"use strict";
(() => {
  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const localise = (root) => {
    for (const one of root.querySelectorAll("time[datetime]")) {
      const at = new Date(one.dateTime);
      if (!Number.isNaN(at.getTime())) {
        one.title = one.textContent;
        one.textContent = (one.hasAttribute("data-exact") ? exact : zone).format(at);
      }
    }
  };
  localise(document);
  const told = document.getElementById("zone");
  if (told) told.textContent = `Times are in your zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
  if (!document.querySelector("[data-live]")) return;

  const state = document.getElementById("live-state");
  const tell = (text) => { if (state && state.textContent !== text) state.textContent = text; };
  let busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Tally-Live": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = fresh.getElementById(part.id);
        if (!other || part.contains(document.activeElement) && part.querySelector("form")) continue;
        localise(other);
        if (part.innerHTML !== other.innerHTML) {
          const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
          part.replaceChildren(...other.childNodes);
          if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
        }
      }
    } finally {
      busy = false;
      if (again) { again = false; setTimeout(refresh, 500); }
    }
  };
  const source = new EventSource("/live");
  source.addEventListener("open", () => tell("Live: this page follows what happens."));
  source.addEventListener("error", () => tell("Not live: the connection is lost. Load the page again to see what is new."));
  source.addEventListener("change", refresh);
  source.addEventListener("over", () => { source.close(); location.reload(); });
})();
