# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# vite (native modules, a pool of threads): a build of a page with React, and
# the development server, which answers requests and sees a file change.  $1 is
# the folder of the npm packages.
set -e
mkdir node_modules src
ln -s "$1"/node_modules/* node_modules
echo '{ "type": "module" }' >package.json
cat >index.html <<'C'
<!doctype html>
<html><body><div id="root"></div>
<script type="module" src="/src/main.jsx"></script></body></html>
C
echo 'button { color: red }' >src/main.css
cat >src/main.jsx <<'C'
import { lazy, Suspense, useState } from 'react';
import { createRoot } from 'react-dom/client';
import './main.css';
const Late = lazy(() => import('./late.jsx'));
function App() {
  const [n, setN] = useState(0);
  return (<button onClick={() => setN(n + 1)}>
    {n}<Suspense><Late n={n} /></Suspense></button>);
}
createRoot(document.getElementById('root')).render(<App />);
C
echo 'export default ({ n }) => <b>{n * n}</b>;' >src/late.jsx
cat >serve.js <<'C'
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createServer } from 'vite';
const server = await createServer({
  logLevel: 'error', server: { port: 0, host: '127.0.0.1' } });
await server.listen();
const { port } = server.httpServer.address();
for (const path of ['/', '/src/main.jsx', '/src/main.css', '/@vite/client',
  '/src/late.jsx']) {
  const r = await fetch(`http://127.0.0.1:${port}${path}`,
    { headers: { accept: '*/*' } });
  console.log(path, r.status, r.headers.get('content-type'),
    (await r.text()).length > 100);
}
const change = once(server.watcher, 'change');
writeFileSync('src/late.jsx', 'export default () => <i>new</i>;\n');
console.log((await change)[0].endsWith('/src/late.jsx'));
let late = '';
for (let i = 0; i < 200 && !late.includes('"new"'); i++) {
  await setTimeout(50);
  const r = await fetch(`http://127.0.0.1:${port}/src/late.jsx`,
    { headers: { accept: '*/*' } });
  late = await r.text();
}
console.log(late.includes('"new"'));
await server.close();
C
"$1/node_modules/.bin/vite" build --logLevel error --sourcemap
find dist -type f | LC_ALL=C sort | xargs sha256sum
exec node serve.js
