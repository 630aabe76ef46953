/** Options that several commands have. */
import { Option } from 'commander';

export const outOption = (): Option => new Option('--out <folder>', 'where recordings lie').default('recordings');
export const dryRunOption = (): Option => new Option('--dry-run', 'print the difference, write nothing');

/** For an option that can be given several times, and must not swallow the arguments behind it. */
export const several = (value: string, before: string[] = []): string[] => [...before, value];
