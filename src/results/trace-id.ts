/** The id of a trace: `annotate-together/alice/2`; in copy 1 of iteration 3 `annotate-together/alice/2@3.1`. Pure, also runs in a browser. */

export interface TraceId {
  recording: string;
  session: string;
  /** from 0, as in results and in `prune --trace` */
  trace: number;
  /** 0: `regression`, where there is one copy */
  iteration: number;
  /** from 0 */
  copy: number;
}

export const formatTraceId = ({ recording, session, trace, iteration, copy }: TraceId): string =>
  `${recording}/${session}/${trace}${iteration > 0 ? `@${iteration}.${copy}` : ''}`;

const form = /^([A-Za-z0-9][\w.-]{0,99})\/([A-Za-z0-9][\w.-]*)\/(0|[1-9]\d{0,8})(?:@([1-9]\d{0,3})\.(0|[1-9]\d{0,5}))?$/;

/** undefined: it is none */
export function parseTraceId(text: string): TraceId | undefined {
  const [, recording, session, trace, iteration = '0', copy = '0'] = form.exec(text) ?? [];
  if (recording === undefined || session === undefined) return undefined;
  return { recording, session, trace: Number(trace), iteration: Number(iteration), copy: Number(copy) };
}
