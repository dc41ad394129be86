// Keeps what was written into a form whose login had ended, in this tab alone, until the person is back at the form.
// Passwords, codes, files and hidden fields are not kept. Without this file the form has to be filled in again.
"use strict";

(() => {
  const NAME = "sent-forms";
  const MOST = 200_000;
  const LASTS = 60 * 60 * 1_000;
  const UNKEPT = ["hidden", "password", "file", "submit", "button", "image", "reset"];
  const { user, forms: state } = document.body.dataset;

  const read = () => {
    try {
      return JSON.parse(sessionStorage.getItem(NAME)) ?? [];
    } catch {
      return [];
    }
  };
  const write = (forms) => {
    const text = JSON.stringify(forms);
    try {
      if (forms.length && text.length <= MOST) sessionStorage.setItem(NAME, text);
      else sessionStorage.removeItem(NAME);
    } catch {
      // A browser that stores nothing loses the form, as one without scripts does.
    }
  };

  // Forms of one address differ by their hidden fields; the token differs by login, the key by each view of the page.
  const CHANGING = ["token", "form-key"];
  const nameOf = (form) => {
    const hidden = [...form.elements].filter((field) => field.type === "hidden" && field.name && !CHANGING.includes(field.name));
    const address = (form.getAttribute("action") ?? location.pathname).split("#")[0];
    return JSON.stringify([address, ...hidden.map((field) => [field.name, field.value])]);
  };
  const addressOf = (name) => JSON.parse(name)[0];
  const hiddenOf = (name) => JSON.stringify(JSON.parse(name).slice(1).map(([field]) => field));
  const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !UNKEPT.includes(field.type));
  const isBox = (field) => field.type === "checkbox" || field.type === "radio";
  const contentOf = (field) =>
    isBox(field) ? field.checked : field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value;

  const fill = (field, content) => {
    if (isBox(field)) field.checked = content;
    else if (field.multiple) for (const option of field.options) option.selected = content.includes(option.value);
    else field.value = content;
    if (content && content.length !== 0) field.closest("details")?.setAttribute("open", "");
  };
  const restore = (form, kept) => {
    const left = [...kept];
    for (const field of fieldsOf(form)) {
      const at = left.findIndex(([name, value]) => name === field.name && (!isBox(field) || value === field.value));
      if (at >= 0) fill(field, left.splice(at, 1)[0][2]);
    }
  };

  if (state === "unsent" && user) {
    const kept = read().filter((form) => form.user === user && Date.now() - form.at < LASTS);
    write(kept);
    const shown = [...document.forms].map(nameOf);
    // A hidden field may have another value than before, as a time: the only form of an address is known by it alone.
    const isLike = (one, other) => addressOf(one) === addressOf(other) && hiddenOf(one) === hiddenOf(other);
    const fieldsFor = (name) => {
      const same = kept.find((form) => form.name === name);
      if (same || shown.filter((other) => isLike(other, name)).length > 1) return same?.fields ?? [];
      const like = kept.filter((form) => isLike(form.name, name));
      return like.length === 1 ? like[0].fields : [];
    };
    const found = [...document.forms].filter((form) => fieldsFor(nameOf(form)).length);
    for (const form of found) restore(form, fieldsFor(nameOf(form)));
    if (found.length) for (const text of document.querySelectorAll("[data-unsent]")) text.hidden = !text.hidden;
  } else if (!state) {
    write([]);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !user || state === "login") return;
    const name = nameOf(form);
    const fields = fieldsOf(form).map((field) => [field.name, isBox(field) ? field.value : "", contentOf(field)]);
    write([...read().filter((kept) => kept.name !== name), { user, name, fields, at: Date.now() }]);
  });
})();
