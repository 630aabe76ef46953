import { Rejection } from './handle.js';

/**
 * Counts resets. A handler that was waiting for something while the database went back to the seed
 * must not write or push its old data into the new rows.
 */
export class Epoch {
  private current = 0;

  next(): void {
    this.current += 1;
  }

  /** Call the answer after each await. */
  guard(): () => void {
    const begun = this.current;
    return () => {
      if (this.current !== begun) throw new Rejection('The application was reset meanwhile');
    };
  }
}
