const METRIC = /\b(?:admit_one|process|nodejs)_[a-z0-9_]+\b/g;

/** Every metric of ours that a text names, once each. */
export const namesIn = (text: string): string[] => [...new Set(text.match(METRIC) ?? [])];
