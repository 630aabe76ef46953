// What people put above SQLite. Each event writes rows that say which trace wrote them, by one of them: single rows, bulk, raw SQL, transactions.
const { createServer } = require('node:http');
const { join } = require('node:path');
const { Server } = require('socket.io');
const knexOf = require('knex');
const { Sequelize, DataTypes } = require('sequelize');
const { drizzle } = require('drizzle-orm/better-sqlite3');
const { sql, eq } = require('drizzle-orm');
const { sqliteTable, text, integer } = require('drizzle-orm/sqlite-core');
const Database = require('../../../examples/annotator/db/better-sqlite3.cjs');

const file = (name) => join(process.env.APP_DB.replace(/[^/]*$/, ''), `${name}.db`);
const turn = () => new Promise((resolve) => setImmediate(resolve));
const back = new Error('back');
const notBack = (error) => {
  if (error !== back) throw error;
};

async function viaKnex() {
  const knex = knexOf({ client: 'sqlite3', connection: { filename: file('knex') }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  await knex.schema.createTable('knex_item', (table) => {
    table.increments('id');
    table.string('trace');
    table.integer('n');
  });
  return async (trace) => {
    await knex('knex_item').insert({ trace, n: 1 });
    await knex('knex_item').insert([2, 3, 4].map((n) => ({ trace, n })));
    await knex.transaction(async (transaction) => {
      await transaction('knex_item').where({ trace, n: 1 }).update({ n: 5 });
      await turn();
      await transaction.raw('INSERT INTO knex_item (trace, n) VALUES (?, 6)', [trace]);
    });
    await knex
      .transaction(async (transaction) => {
        await transaction('knex_item').insert({ trace, n: 7 });
        await turn();
        throw back;
      })
      .catch(notBack);
    await knex('knex_item').where({ trace, n: 4 }).delete();
  };
}

async function viaSequelize() {
  const sequelize = new Sequelize({ dialect: 'sqlite', storage: file('sequelize'), logging: false, retry: { max: 0 } });
  const Item = sequelize.define('item', { trace: DataTypes.STRING, n: DataTypes.INTEGER }, { tableName: 'sequelize_item', timestamps: false });
  await sequelize.sync();
  // SQLite has one writer: transactions of Sequelize use connections of their own, and an application queues them.
  let line = Promise.resolve();
  const inTurn = (work) => {
    const result = line.then(work);
    line = result.catch(() => undefined);
    return result;
  };
  return (trace) =>
    inTurn(async () => {
      await Item.create({ trace, n: 1 });
      await Item.bulkCreate([2, 3, 4].map((n) => ({ trace, n })));
      await sequelize.transaction(async (transaction) => {
        await Item.update({ n: 5 }, { where: { trace, n: 1 }, transaction });
        await turn();
        await sequelize.query('INSERT INTO sequelize_item (trace, n) VALUES (?, 6)', { replacements: [trace], transaction });
      });
      await sequelize
        .transaction(async (transaction) => {
          await Item.create({ trace, n: 7 }, { transaction });
          await turn();
          throw back;
        })
        .catch(notBack);
      await Item.destroy({ where: { trace, n: 4 } });
    });
}

async function viaDrizzle() {
  const client = new Database(file('drizzle'));
  const db = drizzle(client);
  const item = sqliteTable('drizzle_item', { id: integer().primaryKey(), trace: text(), n: integer() });
  db.run(sql`CREATE TABLE drizzle_item (id INTEGER PRIMARY KEY, trace TEXT, n INTEGER)`);
  return async (trace) => {
    await db.insert(item).values({ trace, n: 1 });
    await db
      .insert(item)
      .values([2, 3, 4].map((n) => ({ trace, n })))
      .returning();
    await turn();
    db.transaction((transaction) => {
      transaction.update(item).set({ n: 5 }).where(sql`${item.trace} = ${trace} AND ${item.n} = 1`).run();
      transaction.run(sql`INSERT INTO drizzle_item (trace, n) VALUES (${trace}, 6)`);
    });
    try {
      db.transaction((transaction) => {
        transaction.insert(item).values({ trace, n: 7 }).run();
        throw back;
      });
    } catch (error) {
      notBack(error);
    }
    await db.delete(item).where(sql`${eq(item.trace, trace)} AND ${item.n} = 4`);
  };
}

async function main() {
  const ways = { knex: await viaKnex(), sequelize: await viaSequelize(), drizzle: await viaDrizzle() };
  const server = createServer();
  new Server(server).on('connection', (socket) => {
    let n = 0;
    for (const [name, write] of Object.entries(ways)) {
      socket.on(name, async (callback) => {
        const trace = `${socket.id}:${(n += 1)}`;
        try {
          await write(trace);
          callback(trace);
        } catch (error) {
          callback(String(error));
        }
      });
    }
  });
  server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
}
void main();
