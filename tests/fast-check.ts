/**
 * fast-check with the same cases in every run, because a red run must mean that the code changed, not that the dice fell another way.
 * Other cases: `SEED=7 npx vitest run tests/recording`.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.SEED ?? 20261121) });

export default fc;
