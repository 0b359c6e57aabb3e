/**
 * Whether a `Prefer` header (RFC 7240) asks for an answer at once, with the outcome to be asked for later. Names are
 * compared without regard to case, an empty value is none, the first of two like preferences counts, and another
 * preference's quoted text is not taken for one. What is not understood is ignored, as every preference may be.
 */
export function prefersRespondAsync(header: string | undefined): boolean {
  for (const preference of unquotedParts(header ?? '', ',')) {
    const [named = ''] = unquotedParts(preference, ';');
    const [name = '', ...value] = named.split('=');
    if (name.trim().toLowerCase() === 'respond-async') return ['', '""'].includes(value.join('=').trim());
  }
  return false;
}

/** Splits at each separator that does not stand in a quoted string (RFC 9110 §5.6.4). */
function unquotedParts(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
