# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# mono: the compiler, threads, the garbage collector, exceptions.
cat >m.cs <<'C'
using System;
using System.Collections.Generic;
using System.Threading;
class P {
	static long sum;
	static int Main() {
		var ts = new List<Thread>();
		for (int i = 0; i < 8; i++) {
			int n = i;
			var t = new Thread(() => {
				for (int k = 0; k < 20000; k++) {
					var s = new string('x', k % 50);
					Interlocked.Add(ref sum, s.Length + n);
				}
			});
			t.Start();
			ts.Add(t);
		}
		foreach (var t in ts)
			t.Join();
		GC.Collect();
		Console.WriteLine(sum);
		try {
			object o = null;
			Console.WriteLine(o.ToString());
		} catch (NullReferenceException e) {
			Console.WriteLine(e.GetType());
		}
		return 3;
	}
}
C
mcs -out:m.exe m.cs || exit 1
exec mono m.exe
