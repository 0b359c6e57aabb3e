export function makePassable(folder: string): void;
