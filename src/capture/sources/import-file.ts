/** A file that was read and understood as a source, and the errors of one that was not. */
import { readFileSync } from 'node:fs';
import { ZodError } from 'zod';
import { ReplayError } from '../../errors.js';
import type { TraceSource } from '../source.js';

export interface ImportFile {
  file: string;
  /** what the file calls itself */
  name: string;
  source: TraceSource;
  /** what a reader of the recording should know that is not in it */
  notes: string[];
}

const ISSUES = 5;

export const invalid = (file: string, problem: string, advice?: string): ReplayError => new ReplayError('REPLAY_IMPORT_INVALID', problem, { file }, advice);

function describe({ issues }: ZodError): string {
  const shown = issues.slice(0, ISSUES).map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  return [...shown, ...(issues.length > ISSUES ? [`and ${issues.length - ISSUES} more`] : [])].join('\n    ');
}

export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw invalid(file, `cannot be read: ${(error as Error).message}`, 'Name a file that exists and can be read.');
  }
}

/** Lets `read` understand the JSON; whatever is wrong with it is one error with the name of the file. */
export function fromJsonFile<T>(file: string, bytes: Buffer, read: (json: unknown) => T): T {
  try {
    return read(JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, '')));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(file, `is no JSON: ${error.message}`);
    if (error instanceof ZodError) throw invalid(file, describe(error));
    if (error instanceof RangeError) throw invalid(file, 'is nested too deeply');
    throw error;
  }
}
