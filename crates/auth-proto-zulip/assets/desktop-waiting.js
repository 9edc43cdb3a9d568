// The page on which Zulip's desktop program waits: it has the system's browser log in, and takes the token that is shown
// there. The token comes sealed by AES-256-GCM, with a key that this page has and tells the browser alone.
"use strict";

(async () => {
  const NONCE = 12;
  const [form, field, button, again, wrong, unable] = ["form", "token", "submit", "again", "wrong", "unable"]
    .map((id) => document.getElementById(id));

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  const goOn = (token) => location.replace(`/accounts/login/subdomain/${encodeURIComponent(token)}`);

  // The program's own key, with which it opens whatever is copied; or one that is made here.
  const takeKey = async () => {
    const held = globalThis.electron_bridge?.decrypt_clipboard?.(1);
    if (held) {
      Promise.resolve(held.pasted).then(goOn, () => {});
      return Uint8Array.from(held.key);
    }
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["decrypt"]);
    return new Uint8Array(await crypto.subtle.exportKey("raw", made));
  };

  const opened = async (key, text) => {
    if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new Error("no hexadecimal digits");
    const bytes = Uint8Array.from(text.match(/../g), (digits) => parseInt(digits, 16));
    const secret = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    const how = { name: "AES-GCM", iv: bytes.subarray(0, NONCE) };
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, secret, bytes.subarray(NONCE)));
  };

  const finish = async (key) => {
    try {
      goOn(await opened(key, field.value.trim()));
      wrong.hidden = true;
    } catch {
      wrong.hidden = false;
      field.select();
    }
  };

  try {
    const key = await takeKey();
    const address = new URL(location.href);
    address.searchParams.set("desktop_flow_otp", hex(key));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      finish(key);
    });
    field.addEventListener("input", ({ inputType }) => {
      if (inputType === "insertFromPaste") finish(key);
    });
    button.disabled = false;
    again.href = address.href;
    again.hidden = false;
    field.focus();
    window.open(address.href, "_blank");
  } catch {
    // Browsers make keys only where nobody else reads along.
    unable.hidden = false;
  }
})();
