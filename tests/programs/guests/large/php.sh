# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# PHP: its server, the JIT compiler, pcntl, System V IPC.
cat >t.php <<'C'
<?php
$server = stream_socket_server("tcp://127.0.0.1:0");
$name = stream_socket_get_name($server, false);
if (($pid = pcntl_fork()) === 0) {
	$c = stream_socket_client("tcp://$name");
	fwrite($c, "hello\n");
	echo fgets($c);
	exit(4);
}
$c = stream_socket_accept($server);
fwrite($c, strtoupper(fgets($c)));
pcntl_waitpid($pid, $status);
echo pcntl_wexitstatus($status), "\n";
$pipes = [["pipe", "r"], ["pipe", "w"]];
$p = proc_open(["sh", "-c", "cat; exit 7"], $pipes, $ends);
fwrite($ends[0], "abc");
fclose($ends[0]);
echo stream_get_contents($ends[1]), proc_close($p), "\n";
$m = shmop_open(0x1234, "c", 0600, 100);
shmop_write($m, "mem", 0);
echo shmop_read($m, 0, 3), "\n";
shmop_delete($m);
$q = msg_get_queue(77);
msg_send($q, 1, [1, 2]);
msg_receive($q, 0, $type, 100, $data);
echo json_encode($data), "\n";
msg_remove_queue($q);
C
cat >jit.php <<'C'
<?php
function f($n) { return $n < 2 ? $n : f($n - 1) + f($n - 2); }
echo f(25), "\n";
var_dump(opcache_get_status()["jit"]["on"]);
C
php t.php
php -d opcache.enable_cli=1 -d opcache.jit=1255 \
    -d opcache.jit_buffer_size=32M jit.php
mkdir www
echo '<?php echo "page ", $_GET["x"], PHP_EOL;' >www/i.php
php -q -S 127.0.0.1:18734 -t www >/dev/null 2>&1 &
for i in 1 2 3 4; do
	curl -s --retry 40 --retry-delay 1 --retry-connrefused \
	    "http://127.0.0.1:18734/i.php?x=$i"
done
kill $!
wait $!
echo $?
