/** Records the committed recordings anew, from real use of the page: `npm run record-examples`. */
import { join } from 'node:path';
import { flows, openBrowser } from './people.js';
import { record, root, startAnnotator } from './support.js';

const browser = await openBrowser();
const chosen = process.argv.slice(2);
for (const [name, flow] of Object.entries(flows)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const target = await startAnnotator();
  const { output } = await record(target, name, join(root, 'recordings'), () => flow(browser, target.url));
  console.log(output);
  await target.stop();
}
await browser.close();
