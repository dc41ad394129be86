// Passkeys: a button asks the browser for a signature, or for a new passkey, and sends it with its form.
"use strict";

for (const button of document.querySelectorAll("[data-passkey]")) {
  const makes = button.dataset.passkey === "create";
  const read = makes ? window.PublicKeyCredential?.parseCreationOptionsFromJSON : window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  if (!read) continue;
  const form = button.form;
  const problem = form.querySelector("[data-failed]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    // What else the form wants comes first; a code is not wanted then.
    const wanted = [...form.elements].filter((field) => field.required && field.name !== "code");
    if (!wanted.every((field) => field.reportValidity())) return;
    problem.textContent = "";
    button.disabled = true;
    try {
      const publicKey = read.call(window.PublicKeyCredential, JSON.parse(button.dataset.asked));
      const made = makes ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
      form.elements.passkey.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch {
      problem.textContent = problem.dataset.failed;
      button.disabled = false;
    }
  });
}
