/**
 * The browsers of this machine, each with a fresh profile: Chromium by Playwright, Firefox as Debian has it by
 * WebDriver BiDi, for which Playwright wants a Firefox of its own and Puppeteer does not.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { browserOptions } from './browser.mjs';

const FIREFOX = [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => path && existsSync(path));

/** All pages of a browser share one profile, as tabs do. Undefined where there is no such browser, which is told. */
export async function openBrowser(name) {
  if (name === 'chromium') {
    const browser = await chromium.launch(browserOptions);
    const context = await browser.newContext();
    return { name: `chromium ${browser.version()}`, newPage: () => context.newPage(), close: () => browser.close() };
  }
  if (!FIREFOX) {
    console.log('firefox: skipped: it is not installed; apt-get install firefox-esr, or FIREFOX=path');
    return undefined;
  }
  // As root it refuses a home that is somebody else's, as build machines have it, and has no sandbox in a container.
  const home = mkdtempSync(join(tmpdir(), 'redstart-firefox-'));
  const env = { ...process.env, HOME: home, MOZ_DISABLE_CONTENT_SANDBOX: '1' };
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true, env });
  const close = async () => {
    await browser.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { name: (await browser.version()).replace('/', ' '), newPage: () => browser.newPage(), close };
}
