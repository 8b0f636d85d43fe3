// Where a person has put clusters. Kept in this browser, so that they stay there.

import { recall, remember } from '../lib/remember.ts';
import type { Place } from './layout.ts';

class Pinned {
  places = $state.raw<ReadonlyMap<string, Place>>(read());

  put(cluster: string, place: Place): void {
    this.places = new Map([...this.places, [cluster, place]]);
  }

  keep(): void {
    remember('topology', JSON.stringify([...this.places]));
  }

  forget(): void {
    this.places = new Map();
    this.keep();
  }
}

function read(): ReadonlyMap<string, Place> {
  try {
    const kept = JSON.parse(recall('topology') ?? '[]') as unknown;
    return new Map(Array.isArray(kept) ? kept.filter(isPlaced) : []);
  } catch {
    // Written by something else: nothing is pinned.
    return new Map();
  }
}

function isPlaced(entry: unknown): entry is [string, Place] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return false;
  const place = entry[1] as Partial<Place> | null | undefined;
  return Number.isFinite(place?.x) && Number.isFinite(place?.y);
}

export const pinned = new Pinned();
