import { type Language, languages, locales } from '../../gateway/pages/locale.ts';
import { everythingShown, type Shown } from '../testing/shown-page.ts';

export const devices = {
  phone: { width: 390, height: 844 },
  desk: { width: 1_200, height: 900 },
} as const;
export type Device = keyof typeof devices;
export const schemes = ['light', 'dark'] as const;
export type Scheme = (typeof schemes)[number];

/** With what a page is looked at. */
export type Look = { language: Language; device: Device; scheme: Scheme };

export type Picture = {
  /** Of the file, without its ending: all looks at a state stand together, and the states of a page. */
  name: string;
  /** The state in words. */
  of: string;
  look: Look;
  shown: Shown;
  /** With everything open that is folded away. */
  isUnfolded: boolean;
};

/** German is laid out as English is, but for the length of its words, which a phone shows. */
const isLookedAt = ({ language, device, scheme }: Look): boolean =>
  language !== 'de' || (device === 'phone' && scheme === 'light');

export const looks: Look[] = languages.flatMap((language) =>
  (Object.keys(devices) as Device[])
    .flatMap((device) => schemes.map((scheme) => ({ language, device, scheme })))
    .filter(isLookedAt),
);

/** Where what is folded away is seen too. */
const isUnfoldedIn = ({ language, scheme }: Look): boolean => language === 'en' && scheme === 'light';

const nameOf = (of: string, { language, device, scheme }: Look): string =>
  `${of.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}--${language}-${device}-${scheme}`;

/** Every picture whose name has all of these words in it. */
export async function plannedPictures(words: readonly string[]): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const look of looks)
    for (const shown of everythingShown(locales[look.language])) {
      const picture = { name: nameOf(shown.name, look), of: shown.name, look, shown, isUnfolded: false };
      pictures.push(picture);
      if (isUnfoldedIn(look) && String(await shown.page.body).includes('<details'))
        pictures.push({ ...picture, name: `${picture.name}-unfolded`, isUnfolded: true });
    }
  return pictures.filter(({ name }) => words.every((word) => name.includes(word.toLowerCase())));
}
