/** What stands around every page. */
export const frame = {
  languages: 'Language',
};
