/** The terminal: questions, lines that the user enters, and one status line that is redrawn. */
import { createInterface } from 'node:readline';

export interface Console {
  /** whether somebody sits there who can be asked */
  readonly interactive: boolean;
  print(text?: string): void;
  warn(text: string): void;
  /** The line that the user enters; '' at the end of the input. */
  ask(question: string): Promise<string>;
  /** Until the returned function is called, each line goes to `listener`. */
  onLine(listener: (line: string) => void): () => void;
  /** Replaces the status line; without a terminal it is printed as a line of its own. */
  status(text: string): void;
  close(): void;
}

/** Lines are read in the terminal's own line mode: Ctrl-C stays a signal. */
export function openConsole(): Console {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const reader = createInterface({ input: process.stdin, terminal: false });
  let listener: ((line: string) => void) | undefined;
  let ended = false;
  let drawn = false;
  const early: string[] = [];
  const clear = (): void => {
    if (drawn) process.stdout.write('\r\u001b[K');
    drawn = false;
  };
  reader.on('line', (line) => {
    if (listener) listener(line);
    else if (early.length < 100) early.push(line);
  });
  reader.on('close', () => {
    ended = true;
  });
  const onLine = (next: (line: string) => void): (() => void) => {
    listener = next;
    return () => {
      listener = undefined;
    };
  };
  return {
    interactive,
    print(text = '') {
      clear();
      process.stdout.write(`${text}\n`);
    },
    warn(text) {
      clear();
      process.stderr.write(`${text}\n`);
    },
    ask(question) {
      clear();
      process.stdout.write(question);
      const waiting = early.shift();
      if (waiting !== undefined || ended) return Promise.resolve(waiting ?? '');
      return new Promise((resolve) => {
        const settle = (line: string): void => {
          stop();
          reader.removeListener('close', atEnd);
          resolve(line);
        };
        const atEnd = (): void => settle('');
        const stop = onLine(settle);
        reader.once('close', atEnd);
      });
    },
    onLine(next) {
      const stop = onLine(next);
      for (const line of early.splice(0)) next(line);
      return stop;
    },
    status(text) {
      if (!interactive) return void process.stdout.write(`${text}\n`);
      const width = process.stdout.columns || 80;
      process.stdout.write(`\r\u001b[K${text.slice(0, width - 1)}`);
      drawn = true;
    },
    close() {
      clear();
      reader.close();
      process.stdin.destroy();
    },
  };
}
