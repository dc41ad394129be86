// What pages do beyond links and forms; each of them works without this file too.
"use strict";

// A box in a table's head sets all boxes of the form.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of event.target.form.querySelectorAll("input[type=checkbox][name=id]")) box.checked = event.target.checked;
});

// A button copies the text of the element that it names. Browsers copy only on pages that came by HTTPS.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = button.dataset.done;
});

// In a field for a value or a message, Enter sends the form; with Shift it begins a line.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches("[data-enter]")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
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

// The bank of an account is asked for once ten digits are written, or an account is chosen.
for (const bank of document.querySelectorAll("[data-bank]")) {
  const form = bank.closest("form");
  const kind = form.querySelector("[data-kind]");
  const value = form.querySelector("[data-value]");
  const show = () => {
    const digits = value.value.replace(/[\s().-]/g, "");
    const isAccount = kind?.value ? kind.value === "bank-account" : /^\p{Nd}{10,}$/u.test(digits);
    const isFilled = [...bank.querySelectorAll("[name$=bank]")].some((field) => field.value);
    bank.hidden = !isAccount && !isFilled && !bank.querySelector("details[open]");
  };
  if (value) {
    form.addEventListener("input", show);
    show();
  }
}

// An answer that is put into the page is shown, also where it begins below the screen.
const answer = document.getElementById("answer");
if (answer) new MutationObserver(() => answer.scrollIntoView({ block: "nearest" })).observe(answer, { childList: true });
