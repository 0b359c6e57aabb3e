/**
 * What a path segment that names something may look like; anything else is `not-found` before a key is read. By itself,
 * so that the contract can be read where there is no node:crypto: in a page's script.
 */
export const idPattern = /^[A-Za-z0-9_-]{1,40}$/;
