import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2 up to AA, and what axe's makers hold to be good besides. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

type Violation = { id: string; nodes: { target: string[]; failureSummary: string }[] };

/** Every document that the page loads from now on has axe in it; brought to each by itself, it took a third of axe's time. */
export const bringAxe = (page: Page): Promise<unknown> => page.addInitScript(axeSource);

/** What axe finds on the page as it is, if it was brought: a line each, with the rule and where. */
export async function axeFaults(page: Page): Promise<string[]> {
  const options = JSON.stringify({ runOnly: RULES, resultTypes: ['violations'], preload: false });
  const violations = (await page.evaluate(
    `axe.run(${options}).then((found) => found.violations)`,
  )) as Violation[];
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary.replace(/\s+/g, ' ')}`,
    ),
  );
}

/** The least height and width of what is touched, in CSS pixels; what is laid out in fractions is rounded. */
const TARGET_PX_MIN = 43.5;
/** Of the ring around what has the focus, where it is not the browser's own (`auto`). */
const RING_PX_MIN = 2;

/**
 * What our own rules say beyond axe: one first heading; all that is touched is large enough, but for links within a
 * sentence; whatever the keyboard reaches shows it.
 */
export const ruleFaults = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const faults = [];
    const say = (rule, element) => faults.push(rule + ': ' + element.outerHTML.slice(0, 160));
    const all = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
    const headings = all('h1').length;
    if (headings !== 1) faults.push(headings + ' first headings');
    const isInSentence = (link) => getComputedStyle(link).display === 'inline'
      && link.parentElement.textContent.trim() !== link.textContent.trim();
    const controls = all('a[href], button, select, textarea, summary, canvas, input:not([type=hidden])');
    for (const control of controls) {
      if (control.matches('a') && isInSentence(control)) continue;
      const touched = control.matches('[type=checkbox], [type=radio]') ? control.closest('label') ?? control : control;
      const { width, height } = touched.getBoundingClientRect();
      if (height < ${TARGET_PX_MIN} || width < ${TARGET_PX_MIN}) say('too small to touch (' + width + ' x ' + height + ')', control);
    }
    for (const element of all('a[href], button, select, textarea, summary, input:not([type=hidden]), [tabindex="0"]')) {
      element.focus({ focusVisible: true, preventScroll: true });
      if (document.activeElement !== element) { if (!element.disabled) say('does not take the focus', element); continue; }
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      if (outlineStyle !== 'auto' && (outlineStyle === 'none' || parseFloat(outlineWidth) < ${RING_PX_MIN})) say('does not show the focus', element);
    }
    document.activeElement?.blur();
    return faults;
  })()`);

/** What does not fit the width of the window: sideways scrolling, and words that are cut off. */
export const widthFaults = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const faults = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) faults.push(innerWidth + ' px wide: scrolls sideways by ' + over);
    for (const element of document.querySelectorAll('body *')) {
      const { overflowX } = getComputedStyle(element);
      if ((overflowX === 'hidden' || overflowX === 'clip') && element.scrollWidth > element.clientWidth + 1
        && element.checkVisibility()) faults.push(innerWidth + ' px wide: cut: ' + element.outerHTML.slice(0, 160));
    }
    return faults;
  })()`);

/** What moves by itself, or would if something changed. */
export const motionFaults = (page: Page): Promise<string[]> =>
  page.evaluate(`[
    ...document.getAnimations().map((animation) => 'moves: ' + (animation.animationName ?? animation.transitionProperty)),
    ...[...document.querySelectorAll('*')]
      .filter((element) => getComputedStyle(element).transitionDuration.split(', ').some((time) => parseFloat(time) > 0))
      .map((element) => 'would move: ' + element.outerHTML.slice(0, 160)),
  ]`);
