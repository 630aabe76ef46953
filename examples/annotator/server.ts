import { startAnnotator } from './app.js';
import { BUGS, UnknownBug } from './bugs.js';
import { isMain } from './main.js';

async function main(args: string[]): Promise<void> {
  if (args.includes('--list-bugs')) {
    for (const bug of BUGS) console.log(bug.name);
    return;
  }
  try {
    const annotator = await startAnnotator({
      port: Number(process.env.PORT || 3300),
      ...(process.env.ANNOTATOR_DB && { db: process.env.ANNOTATOR_DB }),
      bug: process.env.ANNOTATOR_BUG,
      wordService: process.env.ANNOTATOR_WORD_SERVICE,
    });
    console.log(`annotator on ${annotator.url}`);
    const stop = (): void => {
      annotator.close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = error instanceof UnknownBug ? 2 : 1;
  }
}

if (isMain(import.meta.url)) await main(process.argv.slice(2));
