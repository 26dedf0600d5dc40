// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
// Child processes of node: their pipes are UNIX sockets.
const { execFileSync, spawn, fork } = require('child_process');
if (process.argv[2] === 'child') {
  process.on('message', m => { process.send(m * 2); process.disconnect(); });
} else {
  console.log(execFileSync('sort', ['-r'], { input: 'a\nb\n' }).toString());
  const p = spawn('sh', ['-c', 'cat; echo err >&2; exit 7']);
  p.stdout.on('data', d => console.log('out', d.toString()));
  p.on('close', code => {
    console.log('code', code);
    const c = fork(__filename, ['child']);
    c.on('message', m => console.log('message', m)); c.send(21);
  });
  p.stdin.end('input');
}
