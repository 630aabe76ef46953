/**
 * What the probe puts into a PostgreSQL database while rows are measured, and how it goes away again. All of it stands in one schema,
 * but for the triggers on the application's tables and one event trigger, which depend on that schema's functions.
 */

export const SCHEMA = 'socket_replay';
/** in front of the application's triggers, and of those that PostgreSQL makes for foreign keys: they fire in the order of their names */
const TRIGGER = '!socket_replay';
/** Advisory locks: (LOCKS, 1) while somebody installs or removes, (LOCKS, 2) shared by all who measure, (LOCKS + 1, N) by the one called N. */
export const LOCKS = 1_936_880_754;
const TRUNCATE_LIMIT = 20_000;

const BEGINNING = '/*socket-replay ';
/** the longest tail of a statement that is looked at */
const MAX_MARK = 376;
const STEP = 8;
/** None of the letters from here on is a slash or a star, which would begin a comment in the comment. */
const FIRST = 48;
/** what an identifier of a trace is made of, as a rule */
const SAFE = /^[\w:~.-]*$/;

/**
 * `/*socket-replay N CAUSE X*\/` at the end of a statement, blanks in front of the X, a letter that says how long all of it is, so that it is
 * cut off without a regular expression. The trigger takes the tail as it is: whatever it does there would be done within the application's time.
 */
export function markOf(instance: number, cause: string | null): string {
  const begun = `${BEGINNING}${instance} ${encodeCause(cause ?? '')} `;
  const steps = Math.ceil((begun.length + 3) / STEP);
  return `\n${begun.padEnd(steps * STEP - 3)}${String.fromCharCode(FIRST + steps)}*/`;
}

/** The instance and the cause of a mark as the log holds it. */
export function readMark(mark: string): { instance: number; cause: string } {
  const [, instance, cause = ''] = mark.split(' ', 3);
  return { instance: Number(instance), cause: cause.includes('%') ? decodeURIComponent(cause) : cause };
}

function encodeCause(cause: string): string {
  if (SAFE.test(cause) && cause.length < MAX_MARK - 60) return cause;
  const encoded = encodeURIComponent(cause).replaceAll('*', '%2A');
  return encoded.length > MAX_MARK - 60 ? '' : encoded;
}

/** What of the log is read: the mark in a statement's tail, and the instance that made it. */
export const MARK = `(CASE WHEN starts_with(right(tail, (ascii(right(tail, 3)) - ${FIRST}) * ${STEP}), '${BEGINNING}') THEN right(tail, (ascii(right(tail, 3)) - ${FIRST}) * ${STEP}) END)`;
export const INSTANCE = `split_part(${MARK}, ' ', 2)`;

const WRITE = `INSERT INTO ${SCHEMA}.log (lsn, xid, op, rel, name, old, new, tail, at) VALUES`;
const COMMON = (op: string): string =>
  `pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.txid_current(), ${op}, TG_RELID, pg_catalog.concat(TG_TABLE_SCHEMA, '.', TG_TABLE_NAME)`;
const TAIL = `pg_catalog.right(pg_catalog.current_query(), ${MAX_MARK})`;
const END = `${TAIL}, pg_catalog.clock_timestamp()`;
/** One form of a value, whatever the session that wrote it has set. */
const SETTINGS = `SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET intervalstyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1`;
const BODY = `IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
    ${WRITE} (${COMMON(`'i'`)}, NULL, pg_catalog.row_to_json(NEW), ${END});
  ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
    ${WRITE} (${COMMON(`'u'`)}, pg_catalog.row_to_json(OLD), pg_catalog.row_to_json(NEW), ${END});
  ELSE
    ${WRITE} (${COMMON(`'d'`)}, pg_catalog.row_to_json(OLD), NULL, ${END});
  END IF;`;

/** A table that can have our triggers: partitions, not what they are partitions of; nothing of PostgreSQL's and nothing temporary. */
export const ELIGIBLE = `c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '${SCHEMA}')`;

/** Types whose text is one and the same whatever a session has set. A timestamptz says itself in which zone it stands. */
const PLAIN = [
  ...['bool', 'int2', 'int4', 'int8', 'oid', 'numeric', 'text', 'varchar', 'bpchar', 'char', 'name', 'uuid'],
  ...['json', 'jsonb', 'date', 'time', 'timestamp', 'timestamptz', 'inet', 'cidr', 'macaddr', 'tsvector'],
];

/** What a table's trigger is told, which says also which function it is: to set all these things for each row costs a third of the rest. */
const NEEDED = (rel: string): string => `(SELECT CASE
  WHEN bool_or(a.attgenerated = 'v') THEN 'virtual'
  WHEN bool_and(ty.typtype = 'e' OR (ty.typtype = 'b' AND ty.typnamespace = 'pg_catalog'::regnamespace AND ty.typname IN (${PLAIN.map((name) => `'${name}'`).join(', ')}))) THEN 'plain'
  ELSE 'settings' END
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid WHERE a.attrelid = ${rel} AND a.attnum > 0 AND NOT a.attisdropped)`;
/** Of a trigger `t`: it is the one that the table of that id needs now. */
const ATTACHED = (rel: string): string =>
  `t.tgrelid = ${rel} AND t.tgname = '${TRIGGER}' AND t.tgargs = pg_catalog.convert_to(${NEEDED(rel)}, 'UTF8') || pg_catalog.decode('00', 'hex')`;

/**
 * Created once, whoever comes first. The log is not logged itself, has no sequence (the application may ask for `lastval()`), and a
 * rollback takes its rows back with the application's. The order of rows: `lsn`, and within a transaction `cmin`.
 */
export const CREATE: readonly string[] = [
  `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`,
  `COMMENT ON SCHEMA ${SCHEMA} IS 'Row changes for socket-replay. Removed when nobody records or replays; socket-replay doctor removes it too.'`,
  `CREATE UNLOGGED TABLE IF NOT EXISTS ${SCHEMA}.log (lsn pg_lsn, xid bigint, op "char", rel oid, name text, old text, new text, tail text, at timestamptz)
    WITH (autovacuum_enabled = off, vacuum_truncate = off)`,
  // Columns that are computed when they are read are not in what a trigger is given.
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.whole(rel oid, given anyelement) RETURNS json LANGUAGE plpgsql AS $socket_replay$
DECLARE columns text; result json;
BEGIN
  IF given IS NOT DISTINCT FROM NULL THEN RETURN NULL; END IF;
  SELECT string_agg(CASE WHEN a.attgenerated = 'v' THEN pg_get_expr(d.adbin, d.adrelid) || ' AS ' || quote_ident(a.attname) ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
    INTO columns FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = rel AND a.attnum > 0 AND NOT a.attisdropped;
  EXECUTE format('SELECT row_to_json(t) FROM (SELECT %s FROM (SELECT ($1).*) r) t', columns) INTO result USING given;
  RETURN result;
END $socket_replay$`,
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.change() RETURNS trigger LANGUAGE plpgsql ${SETTINGS} AS $socket_replay$
BEGIN
  IF TG_ARGV[0] = 'virtual' THEN
    ${WRITE} (${COMMON(`lower(left(TG_OP, 1))::"char"`)}, ${SCHEMA}.whole(TG_RELID, OLD), ${SCHEMA}.whole(TG_RELID, NEW), ${END});
    RETURN NULL;
  END IF;
  ${BODY}
  RETURN NULL;
END $socket_replay$`,
  // Whatever it names it names with its schema, because the search path is the application's.
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.plain_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $socket_replay$
BEGIN
  ${BODY}
  RETURN NULL;
END $socket_replay$`,
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.truncated() RETURNS trigger LANGUAGE plpgsql ${SETTINGS} AS $socket_replay$
DECLARE n bigint;
BEGIN
  EXECUTE format('INSERT INTO ${SCHEMA}.log (lsn, xid, op, rel, name, old, tail, at)
    SELECT pg_current_wal_insert_lsn(), txid_current(), %L, %s, %L, row_to_json(t), %L, clock_timestamp() FROM ONLY %I.%I t LIMIT ${TRUNCATE_LIMIT}',
    'd', TG_RELID, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, ${TAIL}, TG_TABLE_SCHEMA, TG_TABLE_NAME);
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n = ${TRUNCATE_LIMIT} THEN
    ${WRITE} (${COMMON(`'t'`)}, NULL, NULL, ${END});
  END IF;
  RETURN NULL;
END $socket_replay$`,
  // What stands in the way of one table (rights, a lock) is told, and does not keep the others.
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.attach(rel oid) RETURNS text LANGUAGE plpgsql AS $socket_replay$
DECLARE target text; needed text;
BEGIN
  SELECT format('%I.%I', n.nspname, c.relname) INTO target FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel AND ${ELIGIBLE};
  IF target IS NULL THEN RETURN NULL; END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE ${ATTACHED('rel')}) THEN RETURN NULL; END IF;
  EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', '${TRIGGER}', target);
  EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', '${TRIGGER}_all', target);
  needed := ${NEEDED('rel')};
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION ${SCHEMA}.%s(%L)', '${TRIGGER}', target,
    CASE needed WHEN 'plain' THEN 'plain_change' ELSE 'change' END, needed);
  EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ${SCHEMA}.truncated()', '${TRIGGER}_all', target);
  -- Also where a session says that it is a replica; only the owner may.
  BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I, ENABLE ALWAYS TRIGGER %I', target, '${TRIGGER}', '${TRIGGER}_all');
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || target || ': ' || SQLERRM;
END $socket_replay$`,
  `CREATE OR REPLACE FUNCTION ${SCHEMA}.created() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $socket_replay$
BEGIN
  PERFORM ${SCHEMA}.attach(objid) FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass;
EXCEPTION WHEN OTHERS THEN NULL;
END $socket_replay$`,
];

/** Tables that the application creates meanwhile. Only a superuser may. */
export const CREATE_EVENT_TRIGGER = `CREATE EVENT TRIGGER ${SCHEMA} ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') EXECUTE FUNCTION ${SCHEMA}.created()`;

/** Tables that are not looked at yet. */
export const UNATTACHED = `SELECT c.oid::text AS rel FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE ${ELIGIBLE} AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE ${ATTACHED('c.oid')}) ORDER BY c.oid`;

/** What of ours a database holds: rows of `what` (schema, trigger, event trigger), `name` and the SQL that removes it, in the order of removal. */
export const LEFTOVERS = `SELECT what, name, sql FROM (
  SELECT 1 AS step, 'event trigger' AS what, evtname::text AS name, format('DROP EVENT TRIGGER IF EXISTS %I', evtname) AS sql FROM pg_catalog.pg_event_trigger WHERE evtname = '${SCHEMA}'
  UNION ALL
  SELECT 2, 'trigger', format('%I on %I.%I', t.tgname, n.nspname, c.relname), format('DROP TRIGGER IF EXISTS %I ON %I.%I', t.tgname, n.nspname, c.relname)
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgname LIKE '${TRIGGER}%' AND NOT t.tgisinternal
  UNION ALL
  SELECT 3, 'schema', nspname::text, 'DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE' FROM pg_catalog.pg_namespace WHERE nspname = '${SCHEMA}'
) found ORDER BY step, name`;
