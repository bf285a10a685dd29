;; wasi-010: symbolic links that lead out, those found and those made here, and trailing slashes.
;; Must answer: exited 0: each is refused. The guest exits with the number of the path that worked, or 100 when the link that
;; stays inside does not.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "link-in")
  ;; What the new links hold, and their names. Making them may be refused; following them must be.
  (data (i32.const 600) "/etc") (data (i32.const 610) "etc")
  (data (i32.const 620) "../outside") (data (i32.const 640) "o")
  (data (i32.const 650) "p/../../outside") (data (i32.const 670) "p")
  ;; Each path ends in \ff, the list in \fe.
  (data (i32.const 1024)
    "link-out\ff"              ;; 1
    "abs\ff"
    "link-out/\ff"
    "abs/\ff"
    "sub/../link-out\ff"       ;; 5
    "hello.txt/\ff"
    "link-in/\ff"
    "etc/passwd\ff"
    "o/secret.txt\ff"
    "o/../outside/secret.txt\ff" ;; 10
    "p/secret.txt\ff"
    "\fe")
  (func $open_read (param $path i32) (param $len i32) (result i32)
    (call $open (i32.const 3) (i32.const 1) (local.get $path) (local.get $len) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0)))
  (func (export "_start") (local $path i32) (local $end i32) (local $number i32)
    (if (call $open_read (i32.const 512) (i32.const 7)) (then (call $exit (i32.const 100))))
    (drop (call $symlink (i32.const 600) (i32.const 4) (i32.const 3) (i32.const 610) (i32.const 3)))
    (drop (call $symlink (i32.const 620) (i32.const 10) (i32.const 3) (i32.const 640) (i32.const 1)))
    (drop (call $symlink (i32.const 650) (i32.const 15) (i32.const 3) (i32.const 670) (i32.const 1)))
    (local.set $path (i32.const 1024))
    (loop $each
      (local.set $number (i32.add (local.get $number) (i32.const 1)))
      (local.set $end (local.get $path))
      (loop $seek
        (if (i32.ne (i32.load8_u (local.get $end)) (i32.const 0xff))
          (then (local.set $end (i32.add (local.get $end) (i32.const 1))) (br $seek))))
      (if (i32.eqz (call $open_read (local.get $path) (i32.sub (local.get $end) (local.get $path))))
        (then (call $exit (local.get $number))))
      (local.set $path (i32.add (local.get $end) (i32.const 1)))
      (br_if $each (i32.ne (i32.load8_u (local.get $path)) (i32.const 0xfe))))))
