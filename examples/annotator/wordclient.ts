import { z } from 'zod';

const Answer = z.object({ words: z.number().int(), label: z.string().nullable() });
export type Words = { words: number | null; label: string | null };

/** Asks the word service. An annotation must not get lost because that one is away: then both values stay empty. */
export class WordClient {
  constructor(private readonly url: string) {}

  async analyse(text: string): Promise<Words> {
    try {
      const response = await fetch(new URL('/analyse', this.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
        signal: AbortSignal.timeout(1500),
      });
      if (!response.ok) throw new Error(`answered ${response.status}`);
      return Answer.parse(await response.json());
    } catch (error) {
      console.error(`word service: ${error instanceof Error ? error.message : String(error)}`);
      return { words: null, label: null };
    }
  }
}
