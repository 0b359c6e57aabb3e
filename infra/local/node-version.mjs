import { readFileSync } from 'node:fs';

/**
 * Says in one sentence when this Node is older than package.json's `engines` asks for; null otherwise. This module is
 * loaded before anything else and keeps to syntax that old versions can read.
 */
export function nodeVersionFault(root) {
  const wanted = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).engines.node.replace('>=', '');
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return null;
  return `Admit One needs Node ${wanted} or later; this is ${process.versions.node}. See https://nodejs.org/en/download.`;
}
