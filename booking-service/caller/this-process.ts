import { newId } from '#shared/ids.ts';

/** Another one has another name, and so has this one after a restart. */
export const THIS_PROCESS = newId();
