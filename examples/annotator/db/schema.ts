/** Tables in the order in which rows may be inserted; the reverse is the order in which they may be deleted. */
export const TABLES = ['user', 'document', 'tag', 'annotation', 'comment', 'upload', 'statistic', 'activity'] as const;

/** AUTOINCREMENT, so that an id is never used again after a delete. Times are ISO texts made by the application. */
export const DDL = `
CREATE TABLE IF NOT EXISTS user (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  passwordHash TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin'))
);
CREATE TABLE IF NOT EXISTS document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  rev INTEGER NOT NULL DEFAULT 1,
  updatedBy INTEGER NOT NULL REFERENCES user (id),
  updatedAt TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tag (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  colour TEXT NOT NULL,
  createdBy INTEGER NOT NULL REFERENCES user (id)
);
CREATE TABLE IF NOT EXISTS annotation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  documentId INTEGER NOT NULL REFERENCES document (id),
  userId INTEGER NOT NULL REFERENCES user (id),
  text TEXT NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER,
  tagId INTEGER REFERENCES tag (id) ON DELETE SET NULL,
  wordCount INTEGER,
  label TEXT,
  shareKey TEXT NOT NULL UNIQUE,
  createdAt TEXT NOT NULL,
  updatedAt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS annotation_document ON annotation (documentId);
CREATE TABLE IF NOT EXISTS comment (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  annotationId INTEGER NOT NULL REFERENCES annotation (id) ON DELETE CASCADE,
  userId INTEGER NOT NULL REFERENCES user (id),
  text TEXT NOT NULL,
  private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
  createdAt TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS comment_annotation ON comment (annotationId);
CREATE TABLE IF NOT EXISTS upload (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  documentId INTEGER NOT NULL REFERENCES document (id),
  userId INTEGER NOT NULL REFERENCES user (id),
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  bytes BLOB NOT NULL,
  createdAt TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS statistic (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  userId INTEGER NOT NULL REFERENCES user (id),
  clicks INTEGER NOT NULL,
  keys INTEGER NOT NULL,
  savedAt TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  documentId INTEGER NOT NULL REFERENCES document (id),
  userId INTEGER NOT NULL REFERENCES user (id),
  action TEXT NOT NULL,
  summary TEXT NOT NULL,
  createdAt TEXT NOT NULL
);
`;
