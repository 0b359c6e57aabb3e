/** Whoever names so many codings may take the plain form. */
const ACCEPT_ENCODING_LENGTH_MAX = 200;

/** Whether an Accept-Encoding header names gzip and does not refuse it (RFC 9110 §12.5.3). */
export function takesGzip(acceptEncoding = ''): boolean {
  if (acceptEncoding.length > ACCEPT_ENCODING_LENGTH_MAX) return false;
  return acceptEncoding.split(',').some((named) => {
    const [coding = '', weight = 'q=1'] = named.split(';').map((part) => part.trim().toLowerCase());
    return (coding === 'gzip' || coding === 'x-gzip') && Number(weight.slice(2)) > 0;
  });
}
