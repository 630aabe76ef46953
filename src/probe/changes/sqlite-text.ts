/** What a statement's text says of it. Rather too much than too little: what is taken for more than it is costs time, not truth. */
import { REPLACES } from './sqlite-schema.js';

const DDL = /\b(?:create|alter|drop|attach|detach|vacuum)\b/i;
/** may open a transaction */
const OPENS = /\b(?:begin|savepoint)\b/i;
const ROLLBACK = /\brollback\b/i;
const COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)*/;
const READS = /^(?:select|values|explain)\b/i;
const WITH = /^with\b/i;
const WRITES = /\b(?:insert|update|delete|replace)\b/i;

const MAX_REMEMBERED = 500;
const MAX_SQL = 2_000;

export const isDdl = remembered((sql) => DDL.test(sql));
/** Only makes something new: nothing of ours is in its way. */
export const createsOnly = remembered((sql) => /\bcreate\b/i.test(sql) && !/\b(?:alter|drop|attach|detach|vacuum)\b/i.test(sql));
/** One plain statement that sets `changes()` and does not ask for it. */
export const writesPlainly = remembered((sql) => /^(?:insert|update|delete|replace)\b/i.test(sql.replace(COMMENTS, '')) && !/\bchanges\b/i.test(sql));
export const replacesRows = remembered((sql) => REPLACES.test(sql));
export const opensTransaction = remembered((sql) => OPENS.test(sql));
export const rollsBack = remembered((sql) => ROLLBACK.test(sql));
/** One statement that certainly changes nothing. */
export const onlyReads = remembered((sql) => {
  const text = sql.replace(COMMENTS, '');
  return READS.test(text) || (WITH.test(text) && !WRITES.test(text));
});

/** Applications run the same few texts again and again. */
function remembered(look: (sql: string) => boolean): (sql: unknown) => boolean {
  const known = new Map<string, boolean>();
  return (sql) => {
    if (typeof sql !== 'string') return false;
    const before = known.get(sql);
    if (before !== undefined) return before;
    const answer = look(sql);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (sql.length <= MAX_SQL) known.set(sql, answer);
    return answer;
  };
}
