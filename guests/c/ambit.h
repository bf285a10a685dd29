// For guests in C: bytes in and out, by Ambit's memory convention.
//
// Include it in one file of a guest and export functions that take address and length of their input and give a reply:
//
//     AMBIT_EXPORT("shout")
//     uint64_t shout(const char *input, uint32_t len) {
//         …
//         return ambit_reply(text, text_len); // or ambit_give(text, text_len), for what malloc gave
//     }
//
// The exports `alloc`, `free` and `memory` come with it. Build it as a reactor, which has no main:
//
//     clang --target=wasm32-wasi -mexec-model=reactor -O2 -o guest.wasm guest.c
//
// The host then calls module.call_bytes("shout", input), or call_json. The input is the function's to free(), once it has read
// it; what was replied is freed by the host through `free`.
#ifndef AMBIT_H
#define AMBIT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Exports the function that follows under this name.
#define AMBIT_EXPORT(name) __attribute__((export_name(name)))

// Room for `len` bytes, or 0 if there is none: the host writes its input there.
AMBIT_EXPORT("alloc")
void *ambit_alloc(uint32_t len) {
    return malloc(len ? len : 1);
}

// Takes back a reply. Under a name of its own, since `free` is the C library's.
AMBIT_EXPORT("free")
void ambit_free(void *address, uint32_t len) {
    (void)len;
    free(address);
}

// A reply of `len` bytes that malloc, calloc or realloc gave. They are the host's from here on.
static inline uint64_t ambit_give(void *bytes, uint32_t len) {
    return (uint64_t)(uintptr_t)bytes << 32 | len;
}

// A reply of a copy of `len` bytes, from anywhere. Traps if there is no room for it.
static inline uint64_t ambit_reply(const void *bytes, uint32_t len) {
    void *copy = ambit_alloc(len);
    if (!copy) __builtin_trap();
    memcpy(copy, bytes, len);
    return ambit_give(copy, len);
}

#endif
