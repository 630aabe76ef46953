/** `node --import socket-replay/probe app.js`, or in NODE_OPTIONS: importing this module installs the probe. */
import { install } from './install.js';

export { attach } from './attach.js';

try {
  install();
} catch {
  // The application starts, with or without us.
}
