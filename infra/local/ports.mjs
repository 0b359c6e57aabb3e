import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { LaunchError } from './launch-error.mjs';

export const LOOPBACK = '127.0.0.1';

/** Below the range from which systems take the local ports of outgoing connections (Linux: 32768 and up). */
const FREE_PORT_MIN = 15_000;
const FREE_PORT_MAX = 32_000;
const FREE_PORT_TRIES_MAX = 100;

/** Handed out by this process, and perhaps not listened on yet: a whole shop takes some twenty before the first of them is. */
const handedOut = new Set();

/** A port that was free a moment ago, and another each time. Whoever takes it must still be ready to find it taken. */
export async function freePort(host = LOOPBACK) {
  for (let tries = 0; tries < FREE_PORT_TRIES_MAX; tries += 1) {
    const port = randomInt(FREE_PORT_MIN, FREE_PORT_MAX);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port, host)) return port;
  }
  throw new LaunchError(`There is no free port on ${host} between ${FREE_PORT_MIN} and ${FREE_PORT_MAX}.`);
}

async function isFree(port, host) {
  try {
    await listenOnce(port, host);
    return true;
  } catch (error) {
    if (error.code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Whether somebody takes connections there by now; whoever waits for that asks again. */
export function isListenedOn(port) {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Throws one sentence naming the port and its variable when somebody else listens there. */
export async function assertPortFree({ port, host, variable }) {
  try {
    await listenOnce(port, host);
  } catch (error) {
    throw new LaunchError(await portSentence(error, { port, host, variable }));
  }
}

async function portSentence(error, { port, host, variable }) {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} is taken by another program; set ${variable} to a free one, for example ${variable}=${await freePort(host)}.`;
  }
  if (error.code === 'EACCES') {
    return `Port ${port} needs rights this account does not have; set ${variable} to one above 1023.`;
  }
  return `Nothing can listen on ${host}, port ${port} (${error.code}); check HOST and ${variable}.`;
}

function listenOnce(port, host) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => server.close(resolve));
  });
}
