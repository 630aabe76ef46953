/** Runs one command in a console of its own; whatever it throws becomes one message and an exit code. */
import { type Console, openConsole } from './console.js';
import { exitCodeOf, messageOf } from './exit.js';

export async function run(command: (terminal: Console) => Promise<number> | number): Promise<void> {
  const terminal = openConsole();
  try {
    process.exitCode = await command(terminal);
  } catch (error) {
    terminal.warn(messageOf(error));
    process.exitCode = exitCodeOf(error);
  } finally {
    terminal.close();
  }
}
