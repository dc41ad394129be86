// What pages do beyond links and forms; each of them works without this file too.
"use strict";

// A box in a table's head sets all boxes of the form.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of event.target.form.querySelectorAll("input[type=checkbox][name=id]")) box.checked = event.target.checked;
});

// A button copies the text of the element that it names.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = button.dataset.done;
});

// Keys in a list: j and k go down and up, x chooses, Enter opens; a list says so.
document.addEventListener("keydown", (event) => {
  const list = document.querySelector("[data-keys]");
  if (!list || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), textarea, select")) return;
  const rows = [...list.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement.closest("[data-row]"));
  const go = (row) => row?.querySelector("a")?.focus();
  if (event.key === "j") go(rows[Math.min(at + 1, rows.length - 1)]);
  else if (event.key === "k") go(rows[Math.max(at - 1, 0)]);
  else if (event.key === "x" && at >= 0) rows[at].querySelector("input[type=checkbox]")?.click();
  else return;
  event.preventDefault();
});

// On a narrow screen a menu scrolls in itself: to where the reader is.
document.querySelector("nav.sub [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
