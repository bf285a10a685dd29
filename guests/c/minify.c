// JSON in, the same JSON without white space out: by ambit.h. Traps if a string does not end.
#include "ambit.h"

AMBIT_EXPORT("minify")
uint64_t minify(char *json, uint32_t len) {
    uint32_t end = 0;
    int in_string = 0;
    // In place: what is left is never longer.
    for (uint32_t i = 0; i < len; i++) {
        char c = json[i];
        if (in_string) {
            if (c == '\\' && i + 1 < len) {
                json[end++] = c;
                c = json[++i];
            } else if (c == '"') {
                in_string = 0;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            continue;
        } else if (c == '"') {
            in_string = 1;
        }
        json[end++] = c;
    }
    if (in_string) __builtin_trap();
    return ambit_give(json, end);
}

static uint64_t calls;

// How often this instance was asked: its state, as decimal digits, which are JSON too.
AMBIT_EXPORT("count")
uint64_t count(char *input, uint32_t len) {
    (void)len;
    free(input);
    char digits[20];
    uint32_t at = sizeof digits;
    for (uint64_t left = ++calls; at == sizeof digits || left; left /= 10) digits[--at] = '0' + (char)(left % 10);
    return ambit_reply(digits + at, sizeof digits - at);
}
