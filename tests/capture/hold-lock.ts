/** A process that tries to take a lock: prints `held` or the error, and holds it until its input ends. */
import { lockTarget } from '../../src/wire/target-lock.js';

const [target = '', owner = ''] = process.argv.slice(2);
try {
  lockTarget(target, 'replay', owner);
  process.stdout.write('held\n');
  process.stdin.resume().on('end', () => process.exit(0));
} catch (error) {
  process.stdout.write(`${(error as Error).message.split('\n')[0]}\n`);
}
