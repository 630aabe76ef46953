import type { Detail } from '../../../src/results/detail.js';
import type { Results } from '../../../src/results/schema.js';

export interface ReportData {
  results: Omit<Results, 'traces'>;
  detail: Detail;
}

/** The data stands in the page as base64 of gzip: no character of it can end the element that holds it. */
export async function loadData(): Promise<ReportData> {
  const element = document.getElementById('data');
  const text = JSON.parse(element?.textContent ?? '""') as string;
  element?.remove();
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as ReportData;
}
