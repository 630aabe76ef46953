/** Options that several commands have. */
import { Option } from 'commander';

export const outOption = (): Option => new Option('--out <folder>', 'where recordings lie').default('recordings');
