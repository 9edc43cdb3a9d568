// Debian's Chromium by npm playwright-core: browser.js reads one command per line, in JSON, and prints one answer each,
// until its input ends. A window is a browser's profile of its own: no cookie of one is seen by another.
const { readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { chromium } = require('playwright-core');

const PROGRAM = '/usr/bin/chromium';
const PATIENCE = 15_000;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
const COLOURS = ['color-contrast', 'link-in-text-block'];

const windows = [];
let browser;

const source = (library) => readFileSync(require.resolve(library), 'utf8');

// What a person sees of a page.
const seen = async (page, response) => {
  // What is hidden has a text, too.
  const text = async (selector) => (
    (await page.locator(`${selector} >> visible=true`).allInnerTexts()).join('\n').trim()
  );
  const { pathname, search } = new URL(page.url());
  return {
    status: response?.status() ?? 0,
    path: pathname,
    query: search,
    title: await page.title(),
    heading: await text('h1'),
    alert: await text('.alert, .error'),
    notice: await text('.notice'),
    text: await text('main'),
  };
};

// Acts, and waits for the page to which that leads.
const leads = async (page, act) => {
  const [response] = await Promise.all([page.waitForNavigation({ timeout: PATIENCE }), act()]);
  return seen(page, response);
};

// The first element of a role whose name begins with the text.
const named = (page, role, name) =>
  page.getByRole(role, { name: new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`) }).first();

const field = (page, label) => (label.startsWith('#') ? page.locator(label) : page.getByLabel(label, { exact: true }));

const look = async (page, dark, size) => {
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
  await page.setViewportSize(size);
};

// The content of a picture, read as a phone reads it: from its pixels.
const decoded = async (page, selector) => {
  const picture = (await page.locator(selector).screenshot()).toString('base64');
  const context = await browser.newContext();
  const blank = await context.newPage();
  await blank.evaluate(source('jsqr'));
  const content = await blank.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
    const pixels = canvas.getContext('2d');
    pixels.drawImage(image, 0, 0);
    const { data: bytes } = pixels.getImageData(0, 0, image.width, image.height);
    return globalThis.jsQR(bytes, image.width, image.height)?.data ?? null;
  }, picture);
  await context.close();
  return content;
};

// What bars people with a disability: light and dark, on a desktop and on a phone; and what must be scrolled sideways in
// a narrow window, at 200 % zoom, and with text of twice the size.
const barriers = async (page) => {
  const found = [];
  await page.evaluate(source('axe-core'));
  for (const dark of [false, true]) {
    for (const size of [DESKTOP, PHONE]) {
      await look(page, dark, size);
      // Nothing but the colours differs in the dark.
      const runOnly = dark ? { type: 'rule', values: COLOURS } : { type: 'tag', values: WCAG };
      const options = { runOnly, resultTypes: ['violations'] };
      const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), options);
      const where = `${dark ? 'dark' : 'light'}, ${size.width} px`;
      for (const { id, nodes } of violations) {
        found.push(...nodes.map(({ target, failureSummary }) => `${id} at ${target} (${where}): ${failureSummary}`));
      }
    }
  }
  const overflows = () => page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? scrollWidth : 0;
  });
  for (const width of [320, DESKTOP.width / 2]) {
    await look(page, false, { width, height: 500 });
    const needed = await overflows();
    if (needed) found.push(`${needed} px wide in a window of ${width} px`);
  }
  await look(page, false, DESKTOP);
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  if (await overflows()) found.push('text of twice the size must be scrolled sideways');
  await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  return found;
};

// What can be used on a page, in the order in which it stands there, and what Tab reaches, in the order in which it does.
const byKeyboard = async (page) => {
  const usable = 'a[href], button, input:not([type=hidden]):not([tabindex="-1"]), select, [tabindex="0"]';
  const names = (elements) => elements.map((element) => (
    `${element.tagName.toLowerCase()} ${element.id || element.innerText.trim() || element.name}`
  ));
  const there = await page.locator(usable).evaluateAll(names);
  // A page begins at its top, whatever was used before.
  await page.evaluate(() => { document.activeElement?.blur(); globalThis.getSelection()?.collapse(document.body, 0); });
  const reached = [];
  for (const _ of there) {
    await page.keyboard.press('Tab');
    reached.push(...await page.locator(':focus').evaluateAll(names));
  }
  return { there, reached };
};

const acts = {
  // `scripts` says whether the page may run any; `site` is where paths begin; `agent` and `headers` are sent where they are
  // given, and `script` runs before those of each page. With `keepsOutside`, as in a desktop program, what pages open in other windows is not loaded: see `outside`.
  async open({ site, scripts, agent, headers, locale, script, keepsOutside }) {
    const context = await browser.newContext({
      baseURL: site, javaScriptEnabled: scripts, locale: locale ?? 'en-GB', viewport: DESKTOP, extraHTTPHeaders: headers,
      userAgent: agent
        ?? 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    });
    if (script) await context.addInitScript(script);
    const page = await context.newPage();
    const outside = [];
    if (keepsOutside) {
      context.on('page', (other) => other.close());
      await context.route('**', async (route) => {
        // The request for another window comes before the window.
        let isOwn = false;
        try { isOwn = route.request().frame().page() === page; } catch { /* there is no frame yet */ }
        if (isOwn) return route.continue();
        outside.push(route.request().url());
        return route.abort();
      });
    }
    page.setDefaultTimeout(PATIENCE);
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // Chromium says it of every page whose status is an error.
      const ofStatus = message.text().startsWith('Failed to load resource') && message.location().url === page.url();
      if (['error', 'warning'].includes(message.type()) && !ofStatus) complaints.push(message.text());
    });
    return windows.push({ context, page, complaints, outside }) - 1;
  },
  go: async ({ page }, { path }) => seen(page, await page.goto(path)),
  fill: async ({ page }, { label, text }) => field(page, label).fill(text),
  check: async ({ page }, { label }) => field(page, label).check(),
  choose: async ({ page }, { label, text }) => void (await field(page, label).selectOption({ label: text })),
  press: ({ page }, { button }) => leads(page, () => named(page, 'button', button).click()),
  // Presses a button that leads nowhere.
  click: async ({ page }, { button }) => named(page, 'button', button).click(),
  // Pastes what was copied, wherever the cursor is, and waits for the next page.
  paste: ({ page }) => leads(page, () => page.keyboard.press('Control+V')),
  // The text of an element, once it can be seen.
  async shown({ page }, { selector }) {
    await page.locator(selector).waitFor({ state: 'visible' });
    return page.locator(selector).innerText();
  },
  // The addresses that pages have opened in other windows, once there is one.
  async outside({ page, outside }) {
    const until = Date.now() + PATIENCE;
    while (!outside.length && Date.now() < until) await page.waitForTimeout(20);
    return outside;
  },
  follow: ({ page }, { link }) => leads(page, () => named(page, 'link', link).click()),
  key: async ({ page }, { key }) => page.keyboard.press(key),
  type: async ({ page }, { text }) => page.keyboard.type(text),
  enter: ({ page }) => leads(page, () => page.keyboard.press('Enter')),
  async download({ page }, { button }) {
    const [download] = await Promise.all([page.waitForEvent('download'), named(page, 'button', button).click()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
  },
  // Presses a button that leads to an address which is none of the web's, such as one by which an app is called.
  async leave({ page }, { button }) {
    const isForeign = (request) => !/^https?:/.test(request.url());
    const [request] = await Promise.all([
      page.waitForEvent('request', { predicate: isForeign, timeout: PATIENCE }),
      named(page, 'button', button).click({ noWaitAfter: true }),
    ]);
    return request.url();
  },
  texts: ({ page }, { selector }) => page.locator(selector).allInnerTexts(),
  value: ({ page }, { selector }) => page.locator(selector).first().inputValue(),
  decode: ({ page }, { selector }) => decoded(page, selector),
  // The addresses that the frames of the page show in the end.
  async frames({ page }) {
    await page.waitForLoadState('load');
    return page.frames().slice(1).map((frame) => frame.url());
  },
  cookies: async ({ context }) => (await context.cookies()).map(({ name, value }) => ({ name, value })),
  complaints: ({ complaints }) => complaints,
  barriers: ({ page }) => barriers(page),
  keyboard: ({ page }) => byKeyboard(page),
  async picture({ page }, { file, dark, phone }) {
    await look(page, dark, phone ? PHONE : DESKTOP);
    await page.screenshot({ path: file, fullPage: true, scale: 'css' });
  },
};

(async () => {
  browser = await chromium.launch({ executablePath: PROGRAM, chromiumSandbox: process.getuid() !== 0 });
  for await (const line of createInterface({ input: process.stdin })) {
    const { act, window, ...rest } = JSON.parse(line);
    try {
      const done = await (act === 'open' ? acts.open(rest) : acts[act](windows[window], rest));
      console.log(JSON.stringify({ done }));
    } catch (error) {
      console.log(JSON.stringify({ failed: error.message }));
    }
  }
  await browser.close();
})();
