// The page that shows the desktop program's token: a button copies it, and is there only where scripts run.
"use strict";

(() => {
  const [field, button, copied, selected] = ["desktop-data", "copy", "copied", "selected"]
    .map((id) => document.getElementById(id));

  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    let isCopied = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // It stays selected, for whoever copies it by hand.
      isCopied = false;
    }
    copied.hidden = !isCopied;
    selected.hidden = isCopied;
  });
})();
