export type Scripts = Record<'migrate' | 'seed' | 'gateway' | 'booking' | 'worker', string>;
export declare const scripts: Scripts;
export declare function buildServices(options: { root: string; folder: string }): Promise<Scripts>;
export declare function builtIn(folder: string): Scripts;
export declare function nodeArgs(script: string, heapMbMax?: number): string[];
