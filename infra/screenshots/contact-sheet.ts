import { html } from 'hono/html';
import type { Picture } from './pictures.ts';

/** All pictures on one page, a row for each state: a click shows one in its own size. */
export async function contactSheet(pictures: readonly Picture[]): Promise<string> {
  const rows = new Map<string, Picture[]>();
  for (const picture of pictures) rows.set(picture.of, [...(rows.get(picture.of) ?? []), picture]);
  return String(
    await html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>Every page in every state</title>
          <style>
            body { font-family: system-ui, sans-serif; margin: 1rem; background: #888; }
            section > div { display: flex; gap: 0.75rem; overflow-x: auto; align-items: start; }
            figure { margin: 0; flex: none; }
            figcaption { font-size: 0.8rem; }
            img { display: block; height: 22rem; width: auto; max-width: 24rem; object-fit: cover; object-position: top; }
          </style>
        </head>
        <body>
          <h1>Every page in every state</h1>
          ${[...rows].map(
            ([of, inRow]) => html`<section>
              <h2>${of}</h2>
              <div>
                ${inRow.map(
                  ({ name }) => html`<figure>
                    <a href="${name}.png"><img src="${name}.png" alt="${name}" loading="lazy" /></a>
                    <figcaption>${name.split('--').at(-1)}</figcaption>
                  </figure>`,
                )}
              </div>
            </section>`,
          )}
        </body>
      </html>`,
  );
}
