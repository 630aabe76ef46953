/** What the three lists show. */
import { milliseconds } from '../../../src/results/text.js';
import { h, payload } from './dom.js';
import { badge, type State } from './icons.js';
import { type Client, problemOf, type Row, type TestModel } from './model.js';
import type { Column } from './virtual.js';

/** A test or client with what of it the filters leave. */
export interface Counted<T> {
  item: T;
  matching: number;
}

const time = (value: number | null | undefined): string => (typeof value === 'number' ? milliseconds(value) : '–');

const failedOf = (failed: number, all: number): Node =>
  failed > 0
    ? h('strong', null, `${failed.toLocaleString('en')} of ${all.toLocaleString('en')}`)
    : h('span', { class: 'quiet' }, `0 of ${all.toLocaleString('en')}`);

export const testColumns: Column<Counted<TestModel>>[] = [
  { title: 'Result', width: '112px', cell: ({ item }) => badge(item.result.verdict as State) },
  { title: 'Project', width: '105px', cell: ({ item }) => h('strong', null, item.result.test.project) },
  { title: 'Test', width: 'minmax(120px, 1fr)', cell: ({ item }) => payload(item.result.test.title) },
  { title: 'Clients', width: '60px', numeric: true, cell: ({ item }) => item.result.clients },
  {
    title: 'Not passed',
    width: '110px',
    numeric: true,
    cell: ({ item }) =>
      failedOf(
        item.clients.reduce((sum, client) => sum + client.failed, 0),
        item.clients.reduce((sum, client) => sum + client.rows.length, 0),
      ),
  },
  { title: 'Matching', width: '70px', numeric: true, cell: ({ matching }) => matching.toLocaleString('en') },
  { title: 'p50', width: '68px', numeric: true, cell: ({ item }) => time(item.result.latency.p50) },
  { title: 'p95', width: '68px', numeric: true, cell: ({ item }) => time(item.result.latency.p95) },
  { title: 'Took', width: '68px', numeric: true, cell: ({ item }) => time(item.result.took) },
];

export const clientColumns: Column<Counted<Client>>[] = [
  { title: 'Connection', width: '126px', cell: ({ item }) => badge(item.session.outcome) },
  { title: 'Session', width: 'minmax(160px, 1fr)', cell: ({ item }) => payload(`${item.session.recording}/${item.session.session}`) },
  { title: 'User', width: '80px', cell: ({ item }) => (item.session.user === null ? h('span', { class: 'quiet' }, 'none') : payload(item.session.user)) },
  { title: 'Copy', width: '44px', numeric: true, cell: ({ item }) => item.session.copy },
  { title: 'Project', width: '92px', cell: ({ item }) => item.test.result.test.project },
  { title: 'Not passed', width: '90px', numeric: true, cell: ({ item }) => failedOf(item.failed, item.rows.length) },
  { title: 'Matching', width: '70px', numeric: true, cell: ({ matching }) => matching.toLocaleString('en') },
  { title: 'Login', width: '62px', numeric: true, cell: ({ item }) => time(item.session.login) },
  { title: 'Connect', width: '62px', numeric: true, cell: ({ item }) => time(item.session.connect) },
];

export const traceColumns: Column<Row>[] = [
  { title: 'Outcome', width: '128px', cell: (row) => (row.step.disabled && row.good ? badge('not-run', 'disabled') : badge(row.outcome)) },
  { title: 'Event', width: 'minmax(110px, 0.7fr)', cell: (row) => payload(row.step.label, 'strong') },
  { title: 'Session', width: 'minmax(130px, 0.9fr)', cell: (row) => payload(`${row.step.recording.name}/${row.step.session.id}`) },
  { title: 'Copy', width: '40px', numeric: true, cell: (row) => row.client.session.copy },
  { title: 'Project', width: '92px', cell: (row) => row.test.result.test.project },
  { title: 'Start', width: '66px', numeric: true, cell: (row) => time(row.test.detail.columns.start[row.row]) },
  { title: 'Latency', width: '66px', numeric: true, cell: (row) => time(row.test.detail.columns.latency[row.row]) },
  { title: 'What is wrong', width: 'minmax(140px, 1.4fr)', cell: (row) => (row.good ? '' : payload(problemOf(row).slice(0, 200))) },
];
