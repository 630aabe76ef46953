// better-sqlite3 12 is the last one for Node 20 and does not survive Node 24; 13 needs Node 22.
const [major] = process.versions.node.split('.');
module.exports = require(Number(major) >= 22 ? 'better-sqlite3-13' : 'better-sqlite3');
