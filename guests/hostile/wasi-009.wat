;; wasi-009: paths that leave the granted directory: by .., absolute, past a NUL, through /proc.
;; Must answer: exited 0: each is refused, by path_open and by path_filestat_get. The guest exits with the number of the path
;; that worked, or 100 when a proper path does not.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "hello.txtsub/../hello.txt")
  ;; Each path ends in \ff, the list in \fe.
  (data (i32.const 1024)
    "../outside/secret.txt\ff"                  ;; 1
    "sub/../../outside/secret.txt\ff"
    "./../outside/secret.txt\ff"
    "sub/../sub/../../outside/secret.txt\ff"
    "..\ff"                                     ;; 5
    "../\ff"
    "../../../../../../../../etc/passwd\ff"
    "/etc/passwd\ff"
    "//etc/passwd\ff"
    "/\ff"                                      ;; 10
    "/data/hello.txt\ff"
    "/data/../outside/secret.txt\ff"
    "/proc/self/environ\ff"
    "/proc/self/root/etc/passwd\ff"
    "/dev/fd/0\ff"                              ;; 15
    "hello.txt\00\ff"
    "hello.txt\00/../../outside/secret.txt\ff"
    "\00../outside/secret.txt\ff"
    "..\00/outside/secret.txt\ff"
    "hello.txt/../hello.txt\ff"                 ;; 20: a file is no directory
    "hello.txt/.\ff"
    "..\\outside\\secret.txt\ff"
    "\ff\fe")                                   ;; 23: the empty path
  (func $open_read (param $path i32) (param $len i32) (result i32)
    (call $open (i32.const 3) (i32.const 1) (local.get $path) (local.get $len) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
  (func (export "_start") (local $path i32) (local $end i32) (local $number i32)
    (if (call $open_read (i32.const 512) (i32.const 9)) (then (call $exit (i32.const 100))))
    (if (call $open_read (i32.const 521) (i32.const 16)) (then (call $exit (i32.const 100))))
    (local.set $path (i32.const 1024))
    (loop $each
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (local.set $end (local.get $path))
      (loop $seek
        (if (i32.ne (i32.load8_u (local.get $end)) (i32.const 0xff))
          (then (local.set $end (i32.add (local.get $end) (i32.const 1))) (br $seek))))
      (if (i32.eqz (call $open_read (local.get $path) (i32.sub (local.get $end) (local.get $path))))
        (then (call $exit (local.get $number))))
      (if (i32.eqz (call $stat (i32.const 3) (i32.const 1) (local.get $path)
            (i32.sub (local.get $end) (local.get $path)) (i32.const 64)))
        (then (call $exit (local.get $number))))
      (local.set $path (i32.add (local.get $end) (i32.const 1)))
      (br_if $each (i32.ne (i32.load8_u (local.get $path)) (i32.const 0xfe))))))
