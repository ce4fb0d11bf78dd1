import { createSpotlight } from '@mantine/spotlight';

/** Opened from the header, by ⌘K, and by `/`. */
export const [paletteStore, palette] = createSpotlight();

export function openPalette(): void {
  palette.open();
}
