/**
 * A configuration's text with its ${NAMES} filled in; names in small letters are the server's own, and what a comment says about
 * a name stays as it is. `what` asks for them.
 */
export const filledIn = (text, values, { what, comment }) =>
  text
    .split('\n')
    .map((line) => (line.trimStart().startsWith(comment) ? line : filledInLine(line, values, what)))
    .join('\n');

const filledInLine = (line, values, what) =>
  line.replace(/\$\{([A-Z_]+)\}/g, (_, name) => {
    if (values[name] === undefined) throw new Error(`${what} asks for ${name}, which nobody gives.`);
    return String(values[name]);
  });
