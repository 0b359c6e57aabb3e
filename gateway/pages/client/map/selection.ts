/** The seats a fan has chosen, by id: kept for this tab, so that they survive a reload and another section's list. */
export type Selection = {
  has: (id: string) => boolean;
  all: () => string[];
  /** False where one more would be too many. */
  add: (id: string) => boolean;
  remove: (...ids: string[]) => void;
  clear: () => void;
};

export function createSelection(key: string, limit: number, alsoChosen: readonly string[]): Selection {
  const chosen = new Set<string>([...stored(key), ...alsoChosen].slice(0, limit));
  const store = () => {
    try {
      sessionStorage.setItem(key, JSON.stringify([...chosen]));
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };
  return {
    has: (id) => chosen.has(id),
    all: () => [...chosen],
    add(id) {
      if (chosen.size >= limit && !chosen.has(id)) return false;
      chosen.add(id);
      store();
      return true;
    },
    remove(...ids) {
      for (const id of ids) chosen.delete(id);
      store();
    },
    clear() {
      chosen.clear();
      store();
    },
  };
}

function stored(key: string): string[] {
  try {
    const ids: unknown = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
