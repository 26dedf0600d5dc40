// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
// child_process.fork(): messages over a socket pair.
const { fork } = require('child_process');
if (process.argv[2] === 'child') {
  process.on('message', m => { process.send(m * 2); process.disconnect(); });
} else {
  const c = fork(__filename, ['child']);
  c.on('message', m => console.log('message', m));
  c.on('exit', code => console.log('exit', code));
  c.send(21);
}
