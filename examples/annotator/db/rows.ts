import type { Db } from './open.js';

/** Rows as clients see them. */
export interface DocumentRow {
  id: number;
  title: string;
  body: string;
  rev: number;
  updatedBy: number;
  updatedAt: string;
}

export interface AnnotationRow {
  id: number;
  documentId: number;
  userId: number;
  userName: string;
  text: string;
  start: number;
  end: number | null;
  tagId: number | null;
  wordCount: number | null;
  label: string | null;
  shareKey: string;
  createdAt: string;
  updatedAt: string;
}

export interface CommentRow {
  id: number;
  annotationId: number;
  userId: number;
  userName: string;
  text: string;
  private: boolean;
  createdAt: string;
}

export interface TagRow {
  id: number;
  name: string;
  colour: string;
  createdBy: number;
}

export interface UploadRow {
  id: number;
  documentId: number;
  userId: number;
  name: string;
  size: number;
  sha256: string;
  createdAt: string;
}

const ANNOTATION = `SELECT a.id, a.documentId, a.userId, u.name AS userName, a.text, a.start, a."end", a.tagId,
  a.wordCount, a.label, a.shareKey, a.createdAt, a.updatedAt FROM annotation a JOIN user u ON u.id = a.userId`;

const COMMENT = `SELECT c.id, c.annotationId, c.userId, u.name AS userName, c.text, c.private, c.createdAt
  FROM comment c JOIN user u ON u.id = c.userId JOIN annotation a ON a.id = c.annotationId`;

/** SQLite has no booleans. */
type StoredComment = Omit<CommentRow, 'private'> & { private: number };
const toComment = (row: StoredComment): CommentRow => ({ ...row, private: row.private === 1 });

export function findDocument(db: Db, id: number): DocumentRow | undefined {
  return db.prepare<[number], DocumentRow>('SELECT id, title, body, rev, updatedBy, updatedAt FROM document WHERE id = ?').get(id);
}

export function findAnnotation(db: Db, id: number): AnnotationRow | undefined {
  return db.prepare<[number], AnnotationRow>(`${ANNOTATION} WHERE a.id = ?`).get(id);
}

export function annotationsOf(db: Db, documentId: number): AnnotationRow[] {
  return db.prepare<[number], AnnotationRow>(`${ANNOTATION} WHERE a.documentId = ? ORDER BY a.id`).all(documentId);
}

export function findComment(db: Db, id: number): CommentRow | undefined {
  const row = db.prepare<[number], StoredComment>(`${COMMENT} WHERE c.id = ?`).get(id);
  return row && toComment(row);
}

/** A private comment is for its author and for the owner of the annotation. */
export function commentsVisibleTo(db: Db, documentId: number, userId: number): CommentRow[] {
  const sql = `${COMMENT} WHERE a.documentId = ? AND (c.private = 0 OR c.userId = ? OR a.userId = ?) ORDER BY c.id`;
  return db.prepare<[number, number, number], StoredComment>(sql).all(documentId, userId, userId).map(toComment);
}

export function uploadsOf(db: Db, documentId: number): UploadRow[] {
  const sql = 'SELECT id, documentId, userId, name, size, sha256, createdAt FROM upload WHERE documentId = ? ORDER BY id';
  return db.prepare<[number], UploadRow>(sql).all(documentId);
}

export function findTag(db: Db, id: number): TagRow | undefined {
  return db.prepare<[number], TagRow>('SELECT id, name, colour, createdBy FROM tag WHERE id = ?').get(id);
}

export function allTags(db: Db): TagRow[] {
  return db.prepare<[], TagRow>('SELECT id, name, colour, createdBy FROM tag ORDER BY id').all();
}

export function documentTitles(db: Db): Array<Pick<DocumentRow, 'id' | 'title'>> {
  return db.prepare<[], { id: number; title: string }>('SELECT id, title FROM document ORDER BY id').all();
}
