// An application on PostgreSQL, through the library that KIND names. Each event writes several rows with the tag that it brings.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';

const require = createRequire(import.meta.url);
const url = process.env.DATABASE_URL;
const kinds = {
  async sequelize() {
    const { DataTypes, Sequelize } = require('sequelize');
    const db = new Sequelize(url, { logging: false, pool: { max: 4 } });
    const Note = db.define('note', { tag: DataTypes.STRING, text: DataTypes.JSONB });
    const Log = db.define('log', { tag: DataTypes.STRING });
    Note.afterCreate((note, { transaction }) => Log.create({ tag: note.tag }, { transaction }));
    await db.sync();
    return {
      write: async (tag) => {
        await db.transaction(async (transaction) => {
          const note = await Note.create({ tag, text: { a: [1] } }, { transaction });
          await note.update({ text: { b: 2 } }, { transaction });
          await Note.bulkCreate([{ tag }, { tag }], { transaction });
        });
        await db.query('INSERT INTO logs (tag, "createdAt", "updatedAt") VALUES ($1, now(), now())', { bind: [tag] });
        await Log.update({ tag }, { where: { tag } });
      },
      fail: (tag) =>
        db
          .transaction(async (transaction) => {
            await Note.create({ tag }, { transaction });
            throw new Error('back');
          })
          .catch(() => undefined),
    };
  },
  async knex() {
    const knex = require('knex')({ client: 'pg', connection: url, pool: { min: 0, max: 4 } });
    await knex.schema.createTable('notes', (table) => {
      table.increments('id');
      table.string('tag').unique();
      table.integer('n');
    });
    await knex.schema.createTable('logs', (table) => {
      table.increments('id');
      table.string('tag');
    });
    return {
      write: async (tag) => {
        await knex.transaction(async (trx) => {
          await trx('notes').insert({ tag, n: 1 });
          await trx('notes').insert({ tag, n: 2 }).onConflict('tag').merge();
          await trx.batchInsert('logs', [{ tag }, { tag }], 1);
          const nested = await trx.transaction();
          await nested('logs').insert({ tag });
          await nested.rollback();
        });
        await knex.raw('insert into logs (tag) values (?), (?)', [tag, tag]);
        await knex('notes').where({ tag }).del();
      },
      fail: (tag) =>
        knex
          .transaction(async (trx) => {
            await trx('logs').insert({ tag });
            throw new Error('back');
          })
          .catch(() => undefined),
    };
  },
  async drizzle() {
    const { drizzle } = await import('drizzle-orm/node-postgres');
    const { eq, sql } = await import('drizzle-orm');
    const { integer, pgTable, serial, text } = await import('drizzle-orm/pg-core');
    const { Pool } = require('pg');
    const db = drizzle(new Pool({ connectionString: url, max: 4 }));
    const notes = pgTable('notes', { id: serial('id').primaryKey(), tag: text('tag').unique(), n: integer('n') });
    const logs = pgTable('logs', { id: serial('id').primaryKey(), tag: text('tag') });
    await db.execute(sql`CREATE TABLE notes (id serial PRIMARY KEY, tag text UNIQUE, n integer)`);
    await db.execute(sql`CREATE TABLE logs (id serial PRIMARY KEY, tag text)`);
    const insertLog = db
      .insert(logs)
      .values({ tag: sql.placeholder('tag') })
      .prepare('insert_log');
    return {
      write: async (tag) => {
        await db.transaction(async (tx) => {
          await tx.insert(notes).values({ tag, n: 1 });
          await tx
            .insert(notes)
            .values({ tag, n: 1 })
            .onConflictDoUpdate({ target: notes.tag, set: { n: 2 } });
          await tx.insert(logs).values([{ tag }, { tag }]);
        });
        await insertLog.execute({ tag });
        await db.execute(sql`INSERT INTO logs (tag) VALUES (${tag})`);
        await db.delete(notes).where(eq(notes.tag, tag));
      },
      fail: (tag) =>
        db
          .transaction(async (tx) => {
            await tx.insert(logs).values({ tag });
            tx.rollback();
          })
          .catch(() => undefined),
    };
  },
  async prisma() {
    const { PrismaPg } = require('@prisma/adapter-pg');
    const { PrismaClient } = await import(process.env.PRISMA_CLIENT);
    const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 4 }), transactionOptions: { maxWait: 30_000, timeout: 30_000 } });
    await db.$executeRawUnsafe('CREATE TABLE notes (id serial PRIMARY KEY, tag text UNIQUE, n integer)');
    await db.$executeRawUnsafe('CREATE TABLE logs (id serial PRIMARY KEY, tag text)');
    return {
      write: async (tag) => {
        await db.$transaction([db.notes.create({ data: { tag, n: 1 } }), db.notes.upsert({ where: { tag }, create: { tag }, update: { n: 2 } })]);
        await db.$transaction(async (tx) => {
          await tx.logs.createMany({ data: [{ tag }, { tag }] });
          await tx.logs.create({ data: { tag } });
        });
        await db.$executeRaw`INSERT INTO logs (tag) VALUES (${tag})`;
        await db.notes.delete({ where: { tag } });
      },
      fail: (tag) =>
        db
          .$transaction(async (tx) => {
            await tx.logs.create({ data: { tag } });
            throw new Error('back');
          })
          .catch(() => undefined),
    };
  },
  async session() {
    const { Pool } = require('pg');
    const express = require('express');
    const session = require('express-session');
    const pool = new Pool({ connectionString: url, max: 3 });
    const Store = require('connect-pg-simple')(session);
    const store = new Store({ pool, createTableIfMissing: true, pruneSessionInterval: false });
    const app = express();
    app.use(session({ store, secret: 'of the test', resave: true, saveUninitialized: true, genid: (request) => request.query.tag }));
    app.get('/', (_request, response) => response.end('ok'));
    await pool.query('CREATE TABLE notes (id serial PRIMARY KEY, tag text)');
    return { app, write: (tag) => pool.query('INSERT INTO notes (tag) VALUES ($1)', [tag]), fail: async () => undefined };
  },
};

const { write, fail, app } = await kinds[process.env.KIND]();
const server = createServer(app ?? ((_request, response) => response.end('ok')));
const io = new Server(server);
io.on('connection', (socket) => {
  socket.on('write', async (tag, callback) => callback(await write(tag).then(() => true, String)));
  socket.on('fail', async (tag, callback) => callback(await fail(tag).then(() => true, String)));
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
